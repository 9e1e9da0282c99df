package io.varve.archive;

import io.varve.archive.store.FileStore;
import io.varve.archive.store.ObjectStore;
import io.varve.archive.store.Retries;
import io.varve.archive.store.S3Bucket;
import io.varve.archive.store.S3Bucket.Addressing;
import io.varve.archive.store.S3Bucket.Endpoint;
import io.varve.archive.store.S3Credentials;
import io.varve.archive.store.S3Store;
import io.varve.archive.store.WhenMissing;
import java.io.IOException;
import java.io.Reader;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;

/**
 * Which archive, and how it's reached. Made from named values: a command's options over a properties file, whose keys
 * are the options' names without dashes:
 *
 * <pre>
 *   archive              s3://BUCKET/PREFIX or file:DIR
 *   s3-endpoint          the server's URL; AWS when there is none
 *   s3-region            else AWS_REGION, AWS_DEFAULT_REGION, us-east-1
 *   s3-access-key        and s3-secret-key: the key pair, else
 *   s3-credentials       a properties file that holds those two, else AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY
 * </pre>
 *
 * <p>A dot may stand for the first dash ({@code s3.endpoint}). Empty values count as none.
 */
public record ArchiveSettings(ArchiveLocation location, Endpoint endpoint, Optional<S3Credentials> credentials) {
    public static final String ARCHIVE = "archive";
    public static final String ENDPOINT = "s3-endpoint";
    public static final String REGION = "s3-region";
    public static final String ACCESS_KEY = "s3-access-key";
    public static final String SECRET_KEY = "s3-secret-key";
    public static final String CREDENTIALS = "s3-credentials";

    private static final String DEFAULT_REGION = "us-east-1";

    /** Refuses names that no bucket and no prefix can have. */
    public ArchiveSettings {
        if (location instanceof ArchiveLocation.Bucket(String bucket, String prefix)) {
            new S3Bucket(bucket, prefix, endpoint, credentials);
        }
    }

    /**
     * Reads the settings.
     *
     * @param values named as above; they win over the environment
     * @param environment the environment variables
     * @throws IllegalArgumentException naming the value that's missing or wrong
     * @throws IOException when the credentials file can't be read
     */
    public static ArchiveSettings of(Properties values, Map<String, String> environment) throws IOException {
        ArchiveLocation location = ArchiveLocation.parse(value(values, ARCHIVE)
                .orElseThrow(() -> new IllegalArgumentException(
                        "no archive is named; say --archive s3://BUCKET/PREFIX or --archive file:DIR")));
        String region = value(values, REGION)
                .or(() -> value(environment, "AWS_REGION"))
                .or(() -> value(environment, "AWS_DEFAULT_REGION"))
                .orElse(DEFAULT_REGION);
        Endpoint endpoint = value(values, ENDPOINT)
                .or(() -> value(environment, "AWS_ENDPOINT_URL_S3"))
                .or(() -> value(environment, "AWS_ENDPOINT_URL"))
                .map(url -> new Endpoint(uri(url), region, Addressing.PATH))
                .orElseGet(() -> Endpoint.aws(region));
        return new ArchiveSettings(location, endpoint, credentials(values, environment));
    }

    private static Optional<S3Credentials> credentials(Properties values, Map<String, String> environment)
            throws IOException {
        Optional<S3Credentials> named = pair(values);
        if (named.isPresent()) {
            return named;
        }
        Optional<String> file = value(values, CREDENTIALS);
        if (file.isPresent()) {
            return Optional.of(pair(load(Path.of(file.get())))
                    .orElseThrow(() -> new IllegalArgumentException(
                            "the credentials file " + file.get() + " must hold " + ACCESS_KEY + " and " + SECRET_KEY)));
        }
        Optional<String> accessKey = value(environment, "AWS_ACCESS_KEY_ID");
        Optional<String> secretKey = value(environment, "AWS_SECRET_ACCESS_KEY");
        return accessKey.isPresent() && secretKey.isPresent()
                ? Optional.of(
                        new S3Credentials(accessKey.get(), secretKey.get(), value(environment, "AWS_SESSION_TOKEN")))
                : Optional.empty();
    }

    private static Optional<S3Credentials> pair(Properties values) {
        Optional<String> accessKey = value(values, ACCESS_KEY);
        Optional<String> secretKey = value(values, SECRET_KEY);
        if (accessKey.isPresent() != secretKey.isPresent()) {
            throw new IllegalArgumentException(ACCESS_KEY + " and " + SECRET_KEY + " go together; one is missing");
        }
        return accessKey.map(key -> new S3Credentials(key, secretKey.orElseThrow(), Optional.empty()));
    }

    /**
     * Reads a properties file.
     *
     * @throws IOException in one sentence that names the file
     */
    public static Properties load(Path file) throws IOException {
        Properties values = new Properties();
        try (Reader reader = Files.newBufferedReader(file, StandardCharsets.UTF_8)) {
            values.load(reader);
            return values;
        } catch (NoSuchFileException e) {
            throw new IOException("there is no file " + file, e);
        } catch (IOException | IllegalArgumentException e) {
            throw new IOException("the file " + file + " can't be read: " + e.getMessage(), e);
        }
    }

    private static Optional<String> value(Properties values, String name) {
        return Optional.ofNullable(values.getProperty(name))
                .or(() -> Optional.ofNullable(values.getProperty(name.replaceFirst("-", "."))))
                .map(String::strip)
                .filter(text -> !text.isEmpty());
    }

    private static Optional<String> value(Map<String, String> environment, String name) {
        return Optional.ofNullable(environment.get(name)).filter(text -> !text.isBlank());
    }

    private static URI uri(String text) {
        try {
            return URI.create(text);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(
                    "the S3 endpoint '" + text + "' isn't a URL; expected http://HOST:PORT or https://HOST", e);
        }
    }

    /** Opens the archive's store. */
    public ObjectStore open(WhenMissing whenMissing) throws IOException {
        return switch (location) {
            case ArchiveLocation.Folder(Path folder) -> FileStore.open(folder, whenMissing);
            case ArchiveLocation.Bucket(String bucket, String prefix) ->
                S3Store.open(new S3Bucket(bucket, prefix, endpoint, credentials), whenMissing, Retries.STANDARD);
        };
    }
}
