package io.varve.archive;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.archive.store.S3Bucket.Addressing;
import io.varve.archive.store.S3Credentials;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ArchiveSettingsTest {
    @TempDir
    Path folder;

    private static Properties values(String... namesAndValues) {
        Properties values = new Properties();
        for (int i = 0; i < namesAndValues.length; i += 2) {
            values.setProperty(namesAndValues[i], namesAndValues[i + 1]);
        }
        return values;
    }

    @Test
    void shouldReadLocations() {
        assertEquals(new ArchiveLocation.Bucket("b", "p/q"), ArchiveLocation.parse("s3://b/p/q/"));
        assertEquals(new ArchiveLocation.Bucket("b", ""), ArchiveLocation.parse("s3://b"));
        assertEquals(new ArchiveLocation.Folder(Path.of("/a b")), ArchiveLocation.parse("file:/a b"));
        assertEquals(new ArchiveLocation.Folder(Path.of("/a")), ArchiveLocation.parse("file:///a"));
        assertEquals(new ArchiveLocation.Folder(Path.of("a")), ArchiveLocation.parse("file:a"));
        assertEquals("s3://b/p", ArchiveLocation.parse("s3://b/p").toString());
    }

    @Test
    void shouldSayHowALocationIsWritten() {
        for (String wrong : List.of("", "s3://", "s3:///p", "file:", "/some/folder", "http://x")) {
            IllegalArgumentException e =
                    assertThrows(IllegalArgumentException.class, () -> ArchiveLocation.parse(wrong));
            assertTrue(String.valueOf(e.getMessage()).contains("expected s3://BUCKET/PREFIX or file:DIR"));
        }
    }

    @Test
    void shouldTakeValuesOverTheEnvironment() throws Exception {
        Properties values = values("archive", "s3://bucket/p", "s3-endpoint", "http://127.0.0.1:9000");
        values.putAll(values("s3-region", "default", "s3-access-key", "me", "s3-secret-key", "secret"));

        ArchiveSettings settings = ArchiveSettings.of(
                values, Map.of("AWS_REGION", "other", "AWS_ACCESS_KEY_ID", "x", "AWS_SECRET_ACCESS_KEY", "y"));

        assertEquals(URI.create("http://127.0.0.1:9000"), settings.endpoint().uri());
        assertEquals(Addressing.PATH, settings.endpoint().addressing());
        assertEquals("default", settings.endpoint().region());
        assertEquals(Optional.of(new S3Credentials("me", "secret", Optional.empty())), settings.credentials());
    }

    @Test
    void shouldTakeTheEnvironmentElse() throws Exception {
        Map<String, String> environment = Map.of(
                "AWS_REGION", "eu-north-1",
                "AWS_ACCESS_KEY_ID", "me",
                "AWS_SECRET_ACCESS_KEY", "secret",
                "AWS_SESSION_TOKEN", "token");

        ArchiveSettings settings = ArchiveSettings.of(values("archive", "s3://bucket/p"), environment);

        assertEquals(
                URI.create("https://s3.eu-north-1.amazonaws.com"),
                settings.endpoint().uri());
        assertEquals(Addressing.VIRTUAL_HOST, settings.endpoint().addressing());
        assertEquals(Optional.of(new S3Credentials("me", "secret", Optional.of("token"))), settings.credentials());
    }

    @Test
    void shouldReadACredentialsFileAndDottedNames() throws Exception {
        Path file = folder.resolve("keys");
        Files.writeString(file, "s3.access-key = me\ns3.secret-key = secret\n");
        Properties values =
                values("archive", "s3://bucket", "s3.credentials", file.toString(), "s3.endpoint", "http://h:1");

        ArchiveSettings settings = ArchiveSettings.of(values, Map.of());

        assertEquals("me", settings.credentials().orElseThrow().accessKey());
        assertEquals(URI.create("http://h:1"), settings.endpoint().uri());
    }

    @Test
    void shouldSayWhatIsMissingOrWrong() throws Exception {
        Path keys = folder.resolve("keys");
        Files.writeString(keys, "nothing = useful");

        for (Properties wrong : List.of(
                values(),
                values("archive", "elsewhere"),
                values("archive", "s3://No_Bucket"),
                values("archive", "s3://bucket/a//b"),
                values("archive", "s3://bucket", "s3-endpoint", "not a url"),
                values("archive", "s3://bucket", "s3-endpoint", "ftp://x"),
                values("archive", "s3://bucket", "s3-access-key", "alone"),
                values("archive", "s3://bucket", "s3-credentials", keys.toString()))) {
            assertThrows(IllegalArgumentException.class, () -> ArchiveSettings.of(wrong, Map.of()));
        }
    }

    @Test
    void shouldSayThatTheCredentialsFileIsMissing() {
        Properties values = values("archive", "s3://bucket", "s3-credentials", "/no/such/file");

        IOException e = assertThrows(IOException.class, () -> ArchiveSettings.of(values, Map.of()));

        assertEquals("there is no file /no/such/file", e.getMessage());
    }

    @Test
    void shouldNeverShowTheSecret() throws Exception {
        Properties values = values("archive", "s3://bucket/p", "s3-access-key", "me", "s3-secret-key", "hidden");

        ArchiveSettings settings = ArchiveSettings.of(values, Map.of());

        assertFalse(settings.toString().contains("hidden"), settings.toString());
    }
}
