package io.varve.capture.publish;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.core.drive.Completion;
import io.varve.core.drive.Trust;
import io.varve.core.event.DriveEvent;
import io.varve.core.transaction.Action;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What an agent publishes, read back from a real broker, comes to what the agent knows. */
class PublishingTest {
    @TempDir
    static Path brokerFolder;

    private static Optional<LogBroker> broker = Optional.empty();

    @TempDir
    Path folder;

    private Optional<KafkaProbe> opened = Optional.empty();

    @BeforeAll
    static void startBroker() throws Exception {
        broker = Optional.of(LogBroker.start(brokerFolder));
    }

    @AfterAll
    static void stopBroker() {
        broker.ifPresent(LogBroker::close);
    }

    @BeforeEach
    void openProbe() {
        opened = Optional.of(new KafkaProbe(broker().client()));
    }

    @AfterEach
    void closeProbe() {
        opened.ifPresent(KafkaProbe::close);
    }

    private static LogBroker broker() {
        return broker.orElseThrow();
    }

    private KafkaProbe probe() {
        return opened.orElseThrow();
    }

    @Test
    void shouldPublishAllThatHappensToTwoDrivesInOrder() throws Exception {
        try (Host host = Host.open(folder, "two-a", "two-b").connect(broker().client())) {
            for (int granule = 0; granule < 40; granule += 2) {
                host.write("two-a", granule);
                host.write("two-b", granule + 1);
            }
            host.full(Completion.GROUPED, "two-a", "two-b");
            for (int granule = 100; granule < 120; granule++) {
                host.write("two-a", granule);
                host.write("two-b", granule);
            }

            awaitTheSame(host, "two-a", "two-b");

            assertEquals(1, probe().fold("two-a").offered().size());
            assertEquals(1, probe().fold("two-b").offered().size());
            assertEquals(
                    new PublishingStatus(Optional.empty(), 0), host.publishing().status());
        }
    }

    @Test
    void shouldPublishWhatWasKeptWhileKafkaWasAwayAtTheStart() throws Exception {
        broker().process().killNow();
        try (Host host = Host.open(folder, "early").connect(broker().client())) {
            host.write("early", 3);
            host.full(Completion.INDIVIDUAL, "early");
            host.write("early", 4);
            PublishingStatus away = host.publishing().status();

            broker().process().restart();
            awaitTheSame(host, "early");

            assertFalse(away.isConnected());
            assertEquals(host.state("early").control(), away.waitingControls());
            probe().until("it's connected", () -> host.publishing().status().isConnected());
        }
    }

    @Test
    void shouldMissNothingWhenTheBrokerIsKilled() throws Exception {
        try (Host host = Host.open(folder, "killed-a", "killed-b").connect(broker().client())) {
            try (SteadyGuest guest = new SteadyGuest(host, "killed-a", "killed-b")) {
                probe().until(
                                "marks come",
                                () -> probe().records("killed-a").stream().anyMatch(r -> !r.isControl()));
                host.full(Completion.GROUPED, "killed-a", "killed-b");

                broker().process().killNow();
                long before = guest.written();
                host.addBitmap("killed-a", "c");
                while (guest.written() < before + 100) {
                    Thread.onSpinWait();
                }
                broker().process().restart();
                probe().until("it's connected", () -> host.publishing().status().isConnected());
            }

            awaitTheSame(host, "killed-a", "killed-b");
        }
    }

    @Test
    void shouldGoOnAsTheNextIncarnation() throws Exception {
        try (Host host = Host.open(folder, "next").connect(broker().client())) {
            host.write("next", 1);
            host.full(Completion.INDIVIDUAL, "next");
            host.write("next", 2);
            awaitTheSame(host, "next");
        }

        try (Host host = Host.open(folder, "next").connect(broker().client())) {
            host.write("next", 5);
            awaitTheSame(host, "next");

            assertEquals(2, probe().fold("next").state().line().size());
            assertTrue(probe().records("next").stream().anyMatch(r -> r.event() instanceof DriveEvent.DriveDetached));
            assertEquals(3 * Host.GRANULE_BYTES, host.dirtyBytes("next"));
        }
    }

    /** The marks of an earlier run's generation go out before its seal, and long before this run's attach. */
    @Test
    void shouldStayTrustedWhenTheLastRunNeverReachedKafka() throws Exception { // I8
        try (Host host = Host.open(folder, "mute")) {
            host.write("mute", 1);
            host.full(Completion.INDIVIDUAL, "mute");
            host.write("mute", 2);
        }

        try (Host host = Host.open(folder, "mute").connect(broker().client())) {
            awaitTheSame(host, "mute");

            assertEquals(new Trust.Sound(), probe().fold("mute").state().trust());
            assertEquals(2 * Host.GRANULE_BYTES, host.dirtyBytes("mute"));
        }
    }

    @Test
    void shouldGoOnWithTheOthersWhileOneDriveHasTrouble() throws Exception {
        try (Host host = Host.open(folder, "ill", "well")) {
            host.write("ill", 1);
            host.transact(Completion.INDIVIDUAL, new Action.DisableBitmap("ill", "b"));
            long sealed = host.bitmap("ill").generations().first();
            Path marks = folder.resolve("state/ill/" + sealed + ".marks");
            Path elsewhere = Files.move(marks, folder.resolve("elsewhere"));
            host.connect(broker().client());
            host.write("well", 1);

            awaitTheSame(host, "well");
            boolean isIllBehind = host.publishing().status().waitingControls() > 0;
            Files.move(elsewhere, marks);
            awaitTheSame(host, "ill");

            assertTrue(isIllBehind);
        }
    }

    @Test
    void shouldCloseSoonWhenKafkaHangs() throws Exception {
        Host host = Host.open(folder, "hung").connect(broker().client());
        host.write("hung", 1);
        awaitTheSame(host, "hung");
        broker().signal("STOP");
        try {
            host.full(Completion.INDIVIDUAL, "hung");
            host.write("hung", 2);

            long sinceNanos = System.nanoTime();
            host.publishing().close();
            long tookNanos = System.nanoTime() - sinceNanos;

            assertTrue(tookNanos < 5_000_000_000L, () -> "it took " + tookNanos / 1_000_000 + " ms");
        } finally {
            broker().signal("CONT");
            host.close();
        }

        try (Host next = Host.open(folder, "hung").connect(broker().client())) {
            awaitTheSame(next, "hung");
        }
    }

    private void awaitTheSame(Host host, String... drives) {
        for (String drive : drives) {
            probe().untilTheSame(host, drive);
        }
    }
}
