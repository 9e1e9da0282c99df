package io.varve.capture.publish;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.capture.tracking.StartedBackup;
import io.varve.core.bits.Digest;
import io.varve.core.bits.HierarchicalBitSet;
import io.varve.core.commit.ManifestRef;
import io.varve.core.commit.Outcome;
import io.varve.core.commit.UnitId;
import io.varve.core.commit.Verdict;
import io.varve.core.drive.Completion;
import io.varve.core.drive.Conclusion;
import io.varve.core.event.DriveEvent.ExtentsDirtied;
import io.varve.core.event.LogRecord;
import io.varve.core.id.DriveId;
import io.varve.core.id.SyncPointId;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What an agent does about outcomes that come from a real broker. */
class OutcomesTest {
    private static final ManifestRef MANIFEST = new ManifestRef("m", Digest.of(HierarchicalBitSet.ofHeap(1)));

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
        opened = Optional.of(new KafkaProbe(broker.orElseThrow().client()));
        probe().listen();
    }

    @AfterEach
    void closeProbe() {
        opened.ifPresent(KafkaProbe::close);
    }

    private KafkaProbe probe() {
        return opened.orElseThrow();
    }

    private Host connected(String drive) throws IOException {
        return Host.open(folder, drive).connect(broker.orElseThrow().client());
    }

    @Test
    void shouldDropTheCutAndAnchorTheBitmapWhenItIsCommitted() throws Exception {
        try (Host host = connected("commit")) {
            StartedBackup full = full(host, "commit");
            host.write("commit", 7);
            decide(full, committed("commit"), "commit");
            awaitDecided(host, "commit");
            long afterFull = host.dirtyBytes("commit");

            StartedBackup increment =
                    host.increment(Completion.INDIVIDUAL, "commit").getFirst();
            decide(increment, committed("commit"), "commit");
            awaitDecided(host, "commit");

            assertEquals(Host.GRANULE_BYTES, afterFull);
            assertEquals(0, host.dirtyBytes("commit"));
            assertEquals(
                    Optional.of(MANIFEST.anchor(increment.mark())),
                    host.bitmap("commit").anchor());
            probe().until(
                            "the log says so",
                            () -> probe().fold("commit").state().equals(host.state("commit")));
        }
    }

    @Test
    void shouldPutTheBitsBackWhenItIsAborted() throws Exception { // I3
        try (Host host = connected("abort")) {
            StartedBackup full = full(host, "abort");
            host.write("abort", 7);
            decide(full, new Verdict.Aborted("the store is full"), "abort");
            awaitDecided(host, "abort");

            assertEquals(3 * Host.GRANULE_BYTES, host.dirtyBytes("abort"));
            assertEquals(Optional.empty(), host.bitmap("abort").anchor());
        }
    }

    @Test
    void shouldNotCareForDecisionsThatAreNotItsOwnOrThatNobodyCanRead() throws Exception { // I3
        try (Host host = connected("own")) {
            StartedBackup full = full(host, "own");
            long before = host.state("own").control();
            UnitId unknown = new UnitId(new SyncPointId("unknown"), Optional.of(new DriveId("own")));

            probe().say(new Outcome.Decided(unknown, new DriveId("own"), committed("own")));
            probe().say(new DriveId("own"), "garbage".getBytes(StandardCharsets.UTF_8));
            decide(full, committed("other"), "own");
            probe().say(new Outcome.Decided(unit(full, "own"), new DriveId("other"), committed("other")));
            decide(full, committed("own"), "own");
            awaitDecided(host, "own");

            // Of all these, one came to an event.
            assertEquals(before + 1, host.state("own").control());
        }
    }

    @Test
    void shouldFindADecisionThatWasMadeWhileItWasAway() throws Exception {
        StartedBackup full;
        try (Host host = connected("away")) {
            full = full(host, "away");
        }
        decide(full, committed("away"), "away");

        try (Host host = connected("away")) {
            awaitDecided(host, "away");

            // Its bits were put back when the agent left: the commit drops nothing, it only anchors.
            assertEquals(2 * Host.GRANULE_BYTES, host.dirtyBytes("away"));
            assertEquals(
                    Optional.of(MANIFEST.anchor(full.mark())),
                    host.bitmap("away").anchor());
        }
    }

    @Test
    void shouldAskWhatBecameOfAUnitThatItGaveUp() throws Exception { // I12
        try (Host host = connected("ask")) {
            StartedBackup full = full(host, "ask");
            host.agent().conclude(new DriveId("ask"), full.mark().key(), new Conclusion.Failed("the test wants it"));
            probe().untilTheSame(host, "ask");
            boolean isAskedAtOnce = isAsked(full);

            probe().until("it's asked", () -> {
                host.skipSeconds(1);
                return isAsked(full);
            });
            decide(full, new Verdict.Aborted("as asked"), "ask");
            awaitDecided(host, "ask");

            assertFalse(isAskedAtOnce);
            assertEquals(2 * Host.GRANULE_BYTES, host.dirtyBytes("ask"));
        }
    }

    @Test
    void shouldPublishAgainWhatIsAskedFor() throws Exception {
        StartedBackup full;
        try (Host host = connected("again")) {
            full = full(host, "again");
            probe().untilTheSame(host, "again");
            long sealed = full.mark().cut().orElseThrow().generations().first();
            long marks = marks("again", sealed);

            probe().say(new Outcome.RepublicationRequested(
                    new DriveId("again"), host.state("again").control(), new TreeSet<>(List.of(sealed))));
            probe().until("the generation comes again", () -> marks("again", sealed) == 2 * marks);
            probe().until(
                            "its marker comes again",
                            () -> count("again", host.state("again").control()) == 2);
            probe().say(new Outcome.RepublicationRequested(new DriveId("again"), 1, new TreeSet<>()));
            probe().until("everything comes again", () -> count("again", 1) == 2);

            probe().untilTheSame(host, "again");
        }

        // What an earlier run was asked for isn't asked of this one, which has read it when it knows the decision.
        decide(full, new Verdict.Aborted("the test wants it"), "again");
        try (Host host = connected("again")) {
            awaitDecided(host, "again");
            probe().untilTheSame(host, "again");
            assertEquals(2, count("again", 1));
        }
    }

    @Test
    void shouldTellTheProgressOfRunningBackups() throws Exception {
        List<String> told = new CopyOnWriteArrayList<>();
        try (Host host = Host.open(folder, "progress")) {
            host.connect(
                    broker.orElseThrow().client(),
                    (unit, drive, copiedBytes, totalBytes) ->
                            told.add(unit + " " + drive + " " + copiedBytes + "/" + totalBytes));
            StartedBackup full = full(host, "progress");
            UnitId unit = unit(full, "progress");

            probe().say(new Outcome.Progress(unit, new DriveId("progress"), 1, 5, 9));
            probe().until("it's told", () -> !told.isEmpty());

            assertEquals(List.of(unit + " progress 5/9"), told);
        }
    }

    /** A full backup of two granules, whose part is in the log. */
    private StartedBackup full(Host host, String drive) {
        host.write(drive, 1);
        host.write(drive, 2);
        StartedBackup full = host.full(Completion.INDIVIDUAL, drive).getFirst();
        probe().until(
                        "its part is in the log",
                        () -> probe().fold(drive).offered().contains(full.mark()));
        return full;
    }

    private void decide(StartedBackup backup, Verdict verdict, String drive) throws Exception {
        probe().say(new Outcome.Decided(unit(backup, drive), new DriveId(drive), verdict));
    }

    private void awaitDecided(Host host, String drive) {
        probe().until(
                        "the agent knows the decision",
                        () -> host.state(drive).undecided().isEmpty());
        assertTrue(probe().fold(drive).complaints().isEmpty());
    }

    private boolean isAsked(StartedBackup backup) {
        return probe().said().stream()
                .anyMatch(outcome -> outcome instanceof Outcome.AbortRequested asked
                        && asked.unit().equals(unit(backup, "ask")));
    }

    private long marks(String drive, long generation) {
        return probe().records(drive).stream()
                .filter(record ->
                        record.event() instanceof ExtentsDirtied dirtied && dirtied.generation() == generation)
                .count();
    }

    private long count(String drive, long control) {
        return probe().records(drive).stream()
                .map(LogRecord::control)
                .filter(c -> c == control)
                .count();
    }

    private static UnitId unit(StartedBackup backup, String drive) {
        return UnitId.of(new DriveId(drive), backup.mark());
    }

    private static Verdict committed(String drive) {
        SortedMap<DriveId, ManifestRef> manifests = new TreeMap<>();
        manifests.put(new DriveId(drive), MANIFEST);
        return new Verdict.Committed(manifests);
    }
}
