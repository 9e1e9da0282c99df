package io.varve.simulator;

import io.varve.core.bits.Marks;
import io.varve.core.commit.UnitId;
import io.varve.core.commit.UnitInput;
import io.varve.core.commit.Verdict;
import io.varve.core.drive.BackupKind;
import io.varve.core.drive.BackupTarget;
import io.varve.core.drive.Bitmap;
import io.varve.core.drive.BitmapStatus;
import io.varve.core.drive.Conclusion;
import io.varve.core.drive.DriveState;
import io.varve.core.drive.SyncPointMark;
import io.varve.core.drive.Trust;
import io.varve.core.drive.UndecidedBackup;
import io.varve.core.event.DriveEvent;
import io.varve.core.event.LogRecord;
import io.varve.core.feed.Feed;
import io.varve.core.reader.ReaderStores;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;

/**
 * What must hold at each moment, by the ids of docs/invariants.md; the {@link Oracle} has those of what is restored.
 */
final class Invariants {
    private static final long WAIT_MILLIS_MAX = 2_000;

    private final World world;
    private final Strangers strangers;
    private List<AgentDrive> held = List.of();

    Invariants(World world) {
        this.world = world;
        this.strangers = new Strangers(world);
    }

    Strangers strangers() {
        return strangers;
    }

    /** The drives of a group hold while their cuts are taken; none afterwards. */
    void holds(List<AgentDrive> drives) {
        held = List.copyOf(drives);
    }

    /** A write is admitted, or about to be acknowledged. */
    // I5
    void passedGate(AgentDrive drive) {
        if (held.contains(drive) && drive.agent().isAlive()) {
            throw new Violation("I5", "drive " + drive.id() + ": a write passed the gate between the group's cuts");
        }
    }

    /** A write is about to reach the image. */
    // I2
    void beforeEffect(AgentDrive drive, GuestWrite write) {
        Marks marks = drive.open().marks();
        long endBytes = write.offsetBytes() + write.lengthBytes();
        if (marks.nextClean(write.offsetBytes(), endBytes) < endBytes) {
            throw new Violation("I2", "drive " + drive.id() + ": " + write + " reaches the image before its mark");
        }
    }

    // I9
    void ended(AgentDrive drive, long tookMillis) {
        if (tookMillis > WAIT_MILLIS_MAX) {
            throw new Violation("I9", "drive " + drive.id() + ": a write took " + tookMillis + " ms");
        }
    }

    /** The agent wrote a record. */
    void recorded(AgentDrive drive, DriveState before, LogRecord record, DriveState after) {
        switch (record.event()) {
            case DriveEvent.SyncPointMarked marked -> keepsAll(drive, before, after);
            case DriveEvent.BackupConcluded(var key, var conclusion) -> {
                UndecidedBackup backup = before.undecided().get(key);
                if (backup != null && backup.mark().target() == BackupTarget.ARCHIVE) {
                    obeys(drive, backup.mark(), conclusion);
                }
                if (!(conclusion instanceof Conclusion.Committed) && !(conclusion instanceof Conclusion.Written)) {
                    keepsAll(drive, before, after);
                }
            }
            default -> {}
        }
    }

    // I3
    private static void keepsAll(AgentDrive drive, DriveState before, DriveState after) {
        for (Bitmap bitmap : before.bitmaps().values()) {
            TreeSet<Long> lost = new TreeSet<>(bitmap.allGenerations());
            after.bitmap(bitmap.name()).ifPresent(b -> lost.removeAll(b.allGenerations()));
            if (!lost.isEmpty()) {
                throw new Violation("I3", "drive " + drive.id() + ": " + bitmap.name() + " lost generations " + lost);
            }
        }
    }

    // I14
    private void obeys(AgentDrive drive, SyncPointMark mark, Conclusion conclusion) {
        UnitId unit = UnitId.of(drive.id(), mark);
        Optional<Verdict> decision = world.oracle().decision(unit);
        boolean fits = switch (conclusion) {
            case Conclusion.Committed committed ->
                decision.filter(v -> v instanceof Verdict.Committed).isPresent();
            case Conclusion.Aborted aborted ->
                decision.filter(v -> v instanceof Verdict.Aborted).isPresent();
            case Conclusion.Written written -> false;
            case Conclusion.Failed failed -> true;
            case Conclusion.Cancelled cancelled -> true;
        };
        if (!fits) {
            throw new Violation(
                    "I14", "drive " + drive.id() + ": " + unit + " is concluded " + conclusion + "; it is " + decision);
        }
    }

    /**
     * What needn't be kept apart was merged: what is left, bitmaps and backups without an outcome account for. An
     * inconsistent bitmap's generations stay as they are, and become no more.
     */
    // I10
    void tidied(AgentDrive drive) {
        DriveState state = drive.state();
        int most = AgentDrive.GENERATIONS_MAX
                + 1
                + 2 * state.bitmaps().size()
                + state.undecided().values().stream()
                        .mapToInt(u ->
                                u.mark().cut().map(c -> c.generations().size()).orElse(0))
                        .sum();
        long kept = state.generations().keySet().stream()
                .filter(generation -> Feed.isWanted(state, generation))
                .count();
        if (kept > most) {
            throw new Violation(
                    "I10",
                    "drive " + drive.id() + " keeps the generations "
                            + state.generations().keySet() + "; expected at most " + most);
        }
    }

    /** The streams offer a part of a sync point. */
    // I8
    void offered(UnitInput input) {
        if (input instanceof UnitInput.PartOffered(var part) && part.mark().kind() instanceof BackupKind.Incremental) {
            strangers.offered(part.drive(), part.mark());
        }
    }

    /** The streams took a record: what is missing before it they know, ask for, or have asked for. */
    // I4
    void read(LogRecord record, ReaderStores stores, boolean hasAsked) {
        Optional<DriveState> state = stores.state(record.drive());
        boolean isKnown = state.filter(s -> s.control() < record.control()
                        && s.line().contains(record.incarnation())
                        && s.trust() instanceof Trust.Sound)
                .isEmpty();
        if (!isKnown && !hasAsked) {
            throw new Violation(
                    "I4",
                    "drive " + record.drive() + ": control event " + record.control() + " is read, and nobody asks for "
                            + "those from " + (state.orElseThrow().control() + 1) + " on");
        }
    }

    /** Whatever differs between an image and a bitmap's anchor is in the bitmap. */
    // I1
    void checkCoverage() {
        for (Agent agent : world.agents()) {
            if (agent.isAlive() && !agent.isStranger()) {
                agent.drives().values().forEach(this::checkCoverage);
            }
        }
    }

    private void checkCoverage(AgentDrive drive) {
        for (Bitmap bitmap : drive.state().bitmaps().values()) {
            if (bitmap.anchor().isPresent()
                    && !(bitmap.status() instanceof BitmapStatus.Inconsistent)
                    && !(bitmap.status() instanceof BitmapStatus.Incoming)) {
                Optional<Oracle.Restored> anchor =
                        world.oracle().restored(bitmap.anchor().get().manifestKey());
                if (anchor.isPresent()
                        && anchor.get().isPromised()
                        && anchor.get().legal().foreignWrites() == drive.image().foreignWrites()) {
                    checkCoverage(drive, bitmap, anchor.get().blocks());
                }
            }
        }
    }

    private static void checkCoverage(AgentDrive drive, Bitmap bitmap, Blocks anchor) {
        Optional<Marks> marks = Optional.empty();
        for (int block = 0; block < anchor.count(); block++) {
            if (drive.image().get(block) != anchor.get(block)) {
                Marks known = marks.orElseGet(() -> drive.unionOfAll(bitmap));
                marks = Optional.of(known);
                if (!known.contains((long) block * GuestWrite.BLOCK_BYTES)) {
                    throw new Violation(
                            "I1",
                            "drive " + drive.id() + ": block " + block + " differs from the anchor of " + bitmap.name()
                                    + ", which doesn't hold it");
                }
            }
        }
    }
}
