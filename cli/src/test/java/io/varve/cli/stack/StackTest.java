package io.varve.cli.stack;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.archive.store.WhenMissing;
import io.varve.schemas.Topics;
import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.apache.kafka.clients.admin.Admin;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StackTest {

    private static final Duration PATIENCE = Duration.ofSeconds(90);
    private static final Set<StackRole> STREAMS_ONLY = EnumSet.of(StackRole.STREAMS);

    @TempDir
    static Path folder;

    private static Stack stack;

    @BeforeAll
    static void start() throws Exception {
        stack = start(config(folder.resolve("data")).withRoles(STREAMS_ONLY));
    }

    @AfterAll
    static void stop() {
        stack.close();
    }

    @Test
    void shouldMakeTopicsAndSchemasAndTheBucket() throws Exception {
        try (var admin = Admin.create(stack.kafkaClient());
                var archive = stack.archive().open(WhenMissing.REFUSE)) {
            var topics = admin.listTopics().names().get();

            assertTrue(
                    topics.containsAll(Set.of(Topics.CHANGES, Topics.BACKUP_TASKS, Topics.SCHEMAS)), () -> "" + topics);
            assertEquals(List.of(), archive.list("", Optional.empty()).objects());
        }
    }

    @Test
    void shouldLetOnlyItsOwnerReadTheAddressesAndTheKeys() throws Exception {
        var credentials = folder.resolve("data").resolve("s3-credentials.properties");

        for (var file : List.of(stack.properties(), credentials)) {
            assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(file)));
        }
        var addresses = PrivateFile.read(stack.properties());
        assertEquals(stack.kafka(), addresses.getProperty("kafka"));
        assertEquals(stack.s3Endpoint().toString(), addresses.getProperty("s3-endpoint"));
        assertEquals(stack.agent(), addresses.getProperty("agent"));
        assertEquals(credentials.toString(), addresses.getProperty("s3-credentials"));
    }

    @Test
    void shouldStartAKilledRoleAgain() throws Exception {
        var streams = stack.role(StackRole.STREAMS).orElseThrow();
        var before = streams.pid();

        streams.killNow();

        assertTrue(streams.awaitServing(PATIENCE));
        assertNotEquals(before, streams.pid());
    }

    @Test
    void shouldKeepDownWhatWasTakenDown() throws Exception {
        var store = stack.store();

        store.takeDown();

        assertFalse(store.awaitServing(Duration.ofSeconds(1)));
        assertEquals(Optional.empty(), store.pid());
        store.bringUp();
        assertTrue(store.awaitServing(PATIENCE));
    }

    @Test
    void shouldRefuseASecondStackInTheFolder() {
        var failure = assertThrows(IOException.class, () -> start(config(folder.resolve("data"))));

        assertEquals(
                "Another 'varve up' runs in " + folder.resolve("data")
                        + "; end that one, or name another folder with --data",
                failure.getMessage());
    }

    @Test
    void shouldLeaveNothingAndKeepItsPorts() throws Exception {
        var data = folder.resolve("again");
        var servers = config(data).withRoles(Set.of());
        var pids = new ArrayList<Long>();
        var addresses = new HashSet<String>();

        for (int run = 0; run < 2; run++) {
            try (var other = start(servers)) {
                addresses.add(other.kafka() + " " + other.s3Endpoint());
                pids.add(other.broker().pid().orElseThrow());
                pids.add(other.store().pid().orElseThrow());
            }
        }

        assertEquals(1, addresses.size(), () -> "" + addresses);
        assertEquals(
                List.of(),
                pids.stream().flatMap(pid -> ProcessHandle.of(pid).stream()).toList());
        try (var left = Files.list(data.resolve("pids"))) {
            assertEquals(List.of(), left.toList());
        }
    }

    @Test
    void shouldSayThatAPortItKeepsIsTaken() throws Exception {
        var data = Files.createDirectories(folder.resolve("taken"));
        try (var taken = new ServerSocket(0)) {
            var address = "127.0.0.1:" + taken.getLocalPort();
            Files.writeString(data.resolve("varve.properties"), "kafka=" + address + "\n");

            var failure = assertThrows(IOException.class, () -> start(config(data)));

            var message = Objects.requireNonNull(failure.getMessage());
            assertTrue(message.startsWith("Port " + taken.getLocalPort() + ", which "), message);
        }
    }

    @Test
    void shouldSayWhyARoleDoesNotStart() {
        var failure =
                assertThrows(IOException.class, () -> stack.startRole(StackRole.SINK, List.of("--no-such-option")));

        var message = Objects.requireNonNull(failure.getMessage());
        assertTrue(message.startsWith("The sink role doesn't start: There is no verb or option '"), message);
        assertFalse(message.contains("Try"), message);
        assertEquals(Optional.empty(), stack.role(StackRole.SINK));
    }

    private static Stack start(StackConfig config) throws IOException, InterruptedException {
        return Stack.start(config, System.err);
    }

    private static StackConfig config(Path data) {
        return StackConfig.of(data, List.of());
    }
}
