package io.varve.cli.acceptance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.varve.cli.qmp.QmpClient;
import io.varve.cli.stack.Member;
import io.varve.cli.stack.StackRole;
import io.varve.formats.nbd.NbdAddress;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What befalls operators: each backup ends with a sentence, and a sync point that is offered is right. */
@Timeout(240)
class MishapTest {
    private static final Duration PATIENCE = Duration.ofSeconds(90);
    private static final int TRIES_MAX = 60;
    private static final Pattern SYNC_POINT = Pattern.compile("sync point (\\S+)\\s*$");

    @TempDir
    static Path folder;

    private static TestStack stack;

    @BeforeAll
    static void start() throws Exception {
        stack = TestStack.start(folder);
        write(0x11);
        assertEquals(0, stack.varve("backup", "--grouped").exitCode());
    }

    @AfterAll
    static void stop() throws Exception {
        stack.close();
    }

    @Test
    void shouldSettleTheBackupOfAKilledAgentThoughTheStreamsLostTheirStores() throws Exception { // I3
        write(0x21);
        stack.proxy().hold(line -> line.startsWith("PUT") && line.contains("/drive1/"));
        CompletableFuture<Command.Said> backup = begin("--individual");
        stack.proxy().awaitHeld();

        Member streams = role(StackRole.STREAMS);
        streams.takeDown();
        deleteAll(folder.resolve("data/streams"));
        role(StackRole.CAPTURE).killNow();
        Command.Said lost = backup.get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
        stack.proxy().release();
        streams.bringUp();

        assertEquals(1, lost.exitCode(), lost::text);
        assertTrue(lost.text().contains("varve sync-points"), lost::text);
        assertTrue(role(StackRole.CAPTURE).awaitServing(PATIENCE));
        write(0x22);
        mustBeRight(untilDecided("--individual"));
        mustBeRight(untilDecided("--grouped"));
    }

    @Test
    void shouldRefuseTheBackupsOfAnAgentWhoseStateIsOld() throws Exception { // I8
        Member agent = role(StackRole.CAPTURE);
        Path state = folder.resolve("data/agent/state");
        Path old = folder.resolve("old-state");
        copyAll(state, old);
        agent.killNow();
        assertTrue(agent.awaitServing(PATIENCE));
        mustBeRight(untilDecided("--grouped"));

        agent.takeDown();
        deleteAll(state);
        copyAll(old, state);
        agent.bringUp();
        assertTrue(agent.awaitServing(PATIENCE));
        Command.Said refused = untilDecided("--grouped");

        assertEquals(1, refused.exitCode(), refused::text);
        assertTrue(refused.text().contains("move its state of the drive away"), refused::text);
        agent.takeDown();
        deleteAll(state);
        agent.bringUp();
        assertTrue(agent.awaitServing(PATIENCE));
        mustBeRight(untilDecided("--grouped"));
        write(0x32);
        mustBeRight(untilDecided("--grouped"));
    }

    @Test
    void shouldEndABackupThatIsCancelledWhileKafkaIsAway() throws Exception { // I3
        write(0x41);
        Member broker = stack.stack().broker();
        broker.takeDown();
        CompletableFuture<Command.Said> backup = begin("--grouped");
        cancelFirstJob(backup);
        Command.Said ended = backup.get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
        assertEquals(1, ended.exitCode(), ended::text);
        assertTrue(ended.text().contains("cancelled"), ended::text);

        broker.bringUp();

        mustBeRight(untilDecided("--grouped"));
    }

    @Test
    void shouldSayThatTheParentIsGoneWhenTheBucketWasEmptied() throws Exception { // I4
        mustBeRight(untilDecided("--grouped"));
        Path bucket = folder.resolve("data/store");
        List<Path> objects;
        try (Stream<Path> files = Files.walk(bucket)) {
            objects = files.filter(f ->
                            f.toString().contains("/drive0/") && f.toString().endsWith(".json"))
                    .toList();
        }
        assertTrue(!objects.isEmpty(), () -> "nothing in " + bucket);
        for (Path object : objects) {
            Files.delete(object);
        }
        write(0x51);

        Command.Said grouped = untilDecided("--grouped");
        assertEquals(1, grouped.exitCode(), grouped::text);
        assertTrue(grouped.text().contains("take a full backup"), grouped::text);
        Command.Said individual = untilDecided("--individual");
        assertEquals(1, individual.exitCode(), individual::text);
        assertTrue(individual.text().contains("drive1  committed"), individual::text);
        mustBeRight(untilDecided("--grouped", "--full"));
        write(0x52);
        mustBeRight(untilDecided("--individual"));
    }

    private static void cancelFirstJob(CompletableFuture<Command.Said> backup) throws Exception {
        NbdAddress agent = NbdAddress.parse(stack.stack().agent());
        try (QmpClient client = QmpClient.connect(agent, PATIENCE)) {
            ObjectNode none = JsonNodeFactory.instance.objectNode();
            JsonNode jobs = client.execute("query-block-jobs", none);
            while (jobs.isEmpty()) {
                assertFalse(backup.isDone(), () -> backup.join().text());
                jobs = client.execute("query-block-jobs", none);
            }
            JsonNode device = jobs.path(0).path("device");
            client.execute("block-job-cancel", none.deepCopy().set("device", device));
        }
    }

    private static Member role(StackRole role) {
        return stack.stack().role(role).orElseThrow();
    }

    private static void write(int pattern) throws Exception {
        for (String drive : TestStack.DRIVES) {
            stack.qemuIo(drive, "write -P " + pattern + " " + pattern % 16 + "M 12M", "flush");
        }
    }

    private static CompletableFuture<Command.Said> begin(String... options) {
        return CompletableFuture.supplyAsync(
                () -> {
                    try {
                        return backup(options);
                    } catch (IOException e) {
                        throw new UncheckedIOException(e);
                    } catch (InterruptedException e) {
                        throw new IllegalStateException(e);
                    }
                },
                run -> Thread.ofPlatform().daemon().name("in-background").start(run));
    }

    private static Command.Said backup(String... options) throws IOException, InterruptedException {
        return stack.varve(
                Stream.concat(Stream.of("backup"), Stream.of(options)).toArray(String[]::new));
    }

    /** The first backup that begins, as soon as the one before is decided. */
    private static Command.Said untilDecided(String... options) throws Exception {
        Command.Said said = backup(options);
        for (int tries = 1; tries < TRIES_MAX && said.text().contains("isn't decided yet"); tries++) {
            said = backup(options);
        }
        return said;
    }

    private static void mustBeRight(Command.Said backup) throws Exception {
        Matcher syncPoint = SYNC_POINT.matcher(backup.well());
        assertTrue(syncPoint.find(), backup::text);
        stack.mustRestoreToTheImages(syncPoint.group(1));
    }

    private static void deleteAll(Path root) throws IOException {
        try (Stream<Path> files = Files.walk(root)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }

    private static void copyAll(Path from, Path to) throws IOException {
        try (Stream<Path> files = Files.walk(from)) {
            for (Path file : files.toList()) {
                Files.copy(file, to.resolve(from.relativize(file).toString()));
            }
        }
    }
}
