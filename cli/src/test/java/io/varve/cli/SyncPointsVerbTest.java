package io.varve.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.json.JsonMapper;
import io.varve.archive.ArchiveSettings;
import io.varve.archive.Backups;
import io.varve.archive.Decisions;
import io.varve.archive.store.ObjectStore;
import io.varve.archive.store.WhenMissing;
import io.varve.core.commit.ManifestRef;
import io.varve.core.commit.Verdict;
import io.varve.core.drive.Completion;
import io.varve.core.drive.FullCause;
import io.varve.core.id.DriveId;
import io.varve.embedded.stack.S3Credentials;
import io.varve.embedded.stack.StoreProcess;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Properties;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SyncPointsVerbTest {

    private static final String BUCKET = "s3://varve-tests/archive";

    @TempDir
    static Path folder;

    private static StoreProcess server;
    private static Path config;

    @BeforeAll
    static void start() throws Exception {
        var keys = S3Credentials.random(new SplittableRandom(1));
        server = StoreProcess.start(folder.resolve("data"), folder.resolve("store.log"), keys);
        config = config("varve.properties", BUCKET, keys.secretKey());
        try (var store = open(WhenMissing.CREATE)) {
            fill(store);
        }
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    private static Path config(String name, String archive, String secretKey) throws Exception {
        var text = "archive=" + archive + "\ns3-endpoint=" + server.endpoint() + "\ns3-access-key=varve\ns3-secret-key="
                + secretKey + "\n";
        return Files.writeString(folder.resolve(name), text);
    }

    private static ObjectStore open(WhenMissing whenMissing) throws Exception {
        var values = new Properties();
        values.putAll(ArchiveSettings.load(config));
        return ArchiveSettings.of(values, Map.of()).open(whenMissing);
    }

    /**
     * A full sync point of two drives, of which nobody asked for that of one, an incremental one, and an aborted one.
     */
    private static void fill(ObjectStore store) throws Exception {
        var backups = new Backups(store, 7);
        var decisions = new Decisions(store);
        var first = Backups.membership("first", Completion.GROUPED, "a", "b");
        var fullA = backups.full("a", first, 0, 1, 2);
        var fullB = backups.unasked("b", first, FullCause.BITMAP_NEW, 5);
        decide(decisions, fullA, fullB);
        var second = Backups.membership("second", Completion.GROUPED, "a", "b");
        decide(decisions, backups.incremental(fullA, second, 1), backups.incremental(fullB, second, 6));
        var third = backups.incremental(fullA, Backups.membership("third", Completion.GROUPED, "a"), 2);
        decisions.decide(third.manifest().unit(), new Verdict.Aborted("the bucket was full"));
    }

    private static void decide(Decisions decisions, Backups.Stored... stored) throws Exception {
        var refs = new TreeMap<DriveId, ManifestRef>();
        for (var one : stored) {
            refs.put(one.manifest().name().drive(), one.ref());
        }
        decisions.decide(stored[0].manifest().unit(), new Verdict.Committed(refs));
    }

    @Test
    void shouldListWhatTheArchiveHolds() {
        var run = CommandRun.of("sync-points", "--config", config.toString());

        assertEquals(0, run.code(), run::err);
        assertEquals(6, run.lines().size(), run.out());
        assertTrue(run.lines().getFirst().startsWith("SYNC POINT "), run.out());
        assertTrue(
                run.lines()
                        .get(1)
                        .matches("first +2026-11-24 .*Z  grouped +committed +a +0\\.2 MiB +0\\.\\d MiB  first/0"),
                run.out());
        assertTrue(run.lines().get(2).matches("first .* committed +b .*  first/0  full \\(bitmap-new\\)"), run.out());
        assertTrue(run.lines().get(3).matches("second .* committed +a .*  first/1"), run.out());
        assertTrue(run.lines().get(5).matches("third +- +grouped +aborted +- +- +- +the bucket was full"), run.out());
    }

    @Test
    void shouldPrintJson() throws Exception {
        var run = CommandRun.of("sync-points", "--config", config.toString(), "--json");

        assertEquals(0, run.code(), run::err);
        var points = new JsonMapper().readTree(run.out());
        assertEquals(3, points.size());
        assertEquals("committed", points.path(1).path("state").asText());
        assertEquals(1, points.path(1).path("drives").path(0).path("sequence").asInt());
        assertTrue(points.at("/0/drives/0/full-cause").isMissingNode(), run.out());
        assertEquals("bitmap-new", points.at("/0/drives/1/full-cause").asText());
        assertTrue(points.at("/1/drives/1/full-cause").isMissingNode(), run.out());
        assertEquals("the bucket was full", points.path(2).path("reason").asText());
    }

    @Test
    void shouldSayThatAnArchiveIsEmpty() throws Exception {
        var run = CommandRun.of("sync-points", "--archive", "file:" + Files.createDirectory(folder.resolve("empty")));

        assertEquals(0, run.code(), run::err);
        assertTrue(run.out().endsWith(" holds no sync point yet.\n"), run.out());
    }

    @Test
    void shouldSayThatTheBucketIsNotThere() {
        var run = CommandRun.of("sync-points", "--config", config.toString(), "--archive", "s3://no-such-bucket/x");

        assertEquals(1, run.code());
        assertTrue(run.err().startsWith("varve sync-points: "), run.err());
        assertTrue(run.err().contains("there is no bucket 'no-such-bucket'"), run.err());
    }

    @Test
    void shouldSayThatTheBucketIsForbidden() throws Exception {
        var wrong = config("wrong.properties", BUCKET, "wrong");

        var run = CommandRun.of("sync-points", "--config", wrong.toString());

        assertEquals(1, run.code());
        assertTrue(run.err().contains("check the access key and the secret key"), run.err());
        assertEquals(1, run.err().lines().count(), run.err());
    }

    @Test
    void shouldSayThatNoArchiveIsNamed() {
        var run = CommandRun.of("sync-points");

        assertEquals(2, run.code());
        assertTrue(run.err().contains("no archive is named"), run.err());
    }

    @Test
    void shouldSayThatRestoreDoesNotKnowTheSyncPoint() {
        var target = folder.resolve("restored");

        var run = CommandRun.of(
                "restore", "--config", config.toString(), "--sync-point", "fourth", "--to", target.toString());

        assertEquals(1, run.code());
        assertTrue(run.err().startsWith("varve restore: there is no sync point 'fourth' in "), run.err());
    }

    @Test
    void shouldRestoreBesideTheOtherVerbs() {
        var target = folder.resolve("a.raw");

        var run = CommandRun.of(
                "restore",
                "--config",
                config.toString(),
                "--sync-point",
                "second",
                "--drive",
                "a",
                "--to",
                target.toString());

        assertEquals(0, run.code(), run::err);
        assertTrue(Files.exists(target));
    }
}
