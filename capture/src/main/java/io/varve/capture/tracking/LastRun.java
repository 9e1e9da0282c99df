package io.varve.capture.tracking;

import io.varve.core.bits.Extent;
import io.varve.core.bits.Marks;
import io.varve.core.cut.InFlightTable;
import io.varve.core.drive.BitmapStatus;
import io.varve.core.drive.Doubt;
import io.varve.core.drive.DriveState;
import io.varve.core.drive.Generation;
import io.varve.core.drive.ImageIdentity;
import io.varve.core.event.DriveEvent;
import io.varve.core.event.LogRecord;
import io.varve.core.id.IncarnationId;
import io.varve.core.recovery.Evidence;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/**
 * What is left of a drive's last run: journal records, kept marks, live sets. Gathers the {@link Evidence}, and the
 * marks that join the open generation.
 *
 * <p>Thread: the agent's control lock.
 */
final class LastRun implements AutoCloseable {
    /** How much later than the last write a file's time may be: clocks tick coarsely. */
    private static final long GRACE_MILLIS = 1_000;

    private final DriveState state;
    private final List<LogRecord> records;
    private final KeptMarks kept;
    private final List<LiveSet> liveSets;
    private final Optional<MappedFile> inFlight;
    private final List<LiveSet> keptOpen;
    private final CrashEvidence crash;
    private boolean hostDied;
    private boolean areLiveSetsGone;

    private LastRun(
            DriveState state,
            List<LogRecord> records,
            KeptMarks kept,
            List<LiveSet> liveSets,
            Optional<MappedFile> inFlight)
            throws IOException {
        this.state = state;
        this.records = records;
        this.kept = kept;
        this.liveSets = liveSets;
        this.inFlight = inFlight;
        this.keptOpen = kept.openFrom(state.open().number(), state.journal());
        this.crash = CrashEvidence.of(kept, state, keptOpen);
    }

    static LastRun of(DriveState state, List<LogRecord> records, KeptMarks kept, LiveDirectory live)
            throws IOException {
        IncarnationId last = state.line().getLast();
        List<LiveSet> sets = live.sets();
        Optional<MappedFile> inFlight = Optional.empty();
        try {
            inFlight = live.inFlight(last);
            kept.settle(state.generations().values());
            return new LastRun(state, records, kept, sets, inFlight);
        } catch (IOException e) {
            sets.forEach(LiveSet::close);
            inFlight.ifPresent(MappedFile::close);
            throw e;
        }
    }

    /** @param now the image's identity and the drive's size as they are now */
    Evidence evidence(DriveImage image, ImageIdentity now, UUID boot) throws IOException {
        Optional<Doubt> doubt = sizeDoubt(image).or(this::keptDoubt);
        if (records.getLast().event() instanceof DriveEvent.DriveDetached(ImageIdentity left)) {
            boolean unchanged = ImageIdentities.isUnchanged(image, left, now);
            return new Evidence(doubt, new Evidence.Ending.Detached(unchanged, isOpenKept()));
        }
        Optional<Doubt> aboutLive = liveDoubt(boot);
        if (aboutLive.isEmpty()) {
            return new Evidence(doubt, new Evidence.Ending.Died(imageDoubt(image, now)));
        }
        areLiveSetsGone = true;
        Optional<Doubt> aboutLog =
                crash.doubt().map(reason -> Doubt.marksLost(aboutLive.get().reason() + ", and " + reason));
        hostDied = aboutLog.isEmpty();
        return new Evidence(
                doubt, new Evidence.Ending.HostDied(aboutLog.isPresent() ? aboutLog : imageDoubt(image, now)));
    }

    private boolean isOpenKept() {
        return keptOpen.stream()
                .anyMatch(set -> set.header().generation() == state.open().number());
    }

    /**
     * Writes that may reach the image yet (reliability.md section 6, rule 19): those that the last run had lost, and of
     * an image that another server has those that were in flight, or that may have been when the host died.
     */
    List<Extent> lostWrites(DriveImage image) throws IOException {
        if (isDetached()) {
            return List.of();
        }
        List<Extent> lost = new ArrayList<>(LostWritesFile.read(kept.directory()));
        if (image.backend().isRemote()) {
            inFlight().ifPresent(table -> lost.addAll(table.extents()));
            if (areLiveSetsGone) {
                lost.addAll(crash.hot(state.sizeBytes()));
            }
        }
        return List.copyOf(new LinkedHashSet<>(lost));
    }

    private Optional<InFlightTable> inFlight() {
        return inFlight.map(file -> new InFlightTable(file.segment(), AgentOptions.IN_FLIGHT_MAX));
    }

    private boolean isDetached() {
        return records.getLast().event() instanceof DriveEvent.DriveDetached;
    }

    /** Joins to {@code open} every mark that isn't durably sealed, and all that was in flight. */
    void joinInto(LiveSet open) {
        keptOpen.forEach(set -> open.marks().union(set.marks()));
        if (hostDied) {
            crash.joinInto(open.marks());
        }
        for (LiveSet set : liveSets) {
            if (isOurs(set) && set.header().generation() >= state.open().number()) {
                open.marks().union(set.marks());
                open.wrote(set.lastWriteMillis());
            }
        }
        inFlight().ifPresent(table -> table.markInto(open.marks()));
    }

    @Override
    public void close() {
        liveSets.forEach(LiveSet::close);
        inFlight.ifPresent(MappedFile::close);
        keptOpen.forEach(LiveSet::close);
    }

    private boolean isOurs(LiveSet set) {
        return set.header().journal().equals(state.journal())
                && set.header().incarnation().equals(state.line().getLast());
    }

    private Optional<Doubt> sizeDoubt(DriveImage image) {
        long sizeBytes = image.backend().sizeBytes();
        return sizeBytes == state.sizeBytes()
                ? Optional.empty()
                : Optional.of(
                        Doubt.imageResized("the image has " + sizeBytes + " bytes; expected " + state.sizeBytes()));
    }

    /** Every sealed generation that is needed has the marks that its seal promised. */
    private Optional<Doubt> keptDoubt() {
        for (Generation generation : state.generations().values()) {
            if (generation.seal().isEmpty() || !isNeeded(generation)) {
                continue;
            }
            try {
                Marks marks = kept.marks(generation.number());
                if (!marks.digest().equals(generation.seal().get().digest())) {
                    return Optional.of(
                            Doubt.marksLost("the kept marks of generation " + generation.number() + " were changed"));
                }
            } catch (IOException e) {
                return Optional.of(Doubt.marksLost(
                        "the kept marks of generation " + generation.number() + " can't be read: " + e.getMessage()));
            }
        }
        return Optional.empty();
    }

    /** Nobody counts on the marks of bitmaps that are inconsistent; and those that are on their way may be missing. */
    private boolean isNeeded(Generation generation) {
        return state.bitmaps().values().stream()
                .filter(bitmap -> !(bitmap.status() instanceof BitmapStatus.Inconsistent)
                        && !(bitmap.status() instanceof BitmapStatus.Incoming))
                .anyMatch(bitmap -> bitmap.allGenerations().contains(generation.number()));
    }

    private Optional<Doubt> liveDoubt(UUID boot) {
        Optional<LiveSet> open = liveSets.stream()
                .filter(s ->
                        isOurs(s) && s.header().generation() == state.open().number())
                .findFirst();
        if (open.isEmpty()) {
            return Optional.of(Doubt.marksLost("the live marks of the agent's last run are gone"));
        }
        boolean sameBoot = liveSets.stream()
                .filter(this::isOurs)
                .allMatch(s -> s.header().boot().equals(boot));
        return sameBoot && inFlight.isPresent()
                ? Optional.empty()
                : Optional.of(Doubt.marksLost("the host was started anew while the drive was attached"));
    }

    /** An image that isn't a regular file doesn't tell who wrote it (design.md section 3). */
    private Optional<Doubt> imageDoubt(DriveImage image, ImageIdentity now) throws IOException {
        if (!image.isRegularFile() && !image.isExclusive()) {
            return Optional.of(Doubt.imageChanged(
                    "the image isn't a regular file, so nobody knows whether it was changed meanwhile"));
        }
        Optional<ImageIdentity> attached = records.reversed().stream()
                .map(LogRecord::event)
                .filter(DriveEvent.DriveAttached.class::isInstance)
                .map(e -> ((DriveEvent.DriveAttached) e).image())
                .findFirst();
        if (attached.isEmpty() || !isSamePlace(image, attached.get(), now)) {
            return Optional.of(Doubt.imageChanged("the image is another one than the one that was attached"));
        }
        if (!image.isRegularFile()) {
            return Optional.empty();
        }
        long changedMillis = ImageIdentities.changedMillis(image.file().orElseThrow());
        if (hostDied) {
            return crash.imageDoubt(attached.get(), now, changedMillis, GRACE_MILLIS)
                    .map(Doubt::imageChanged);
        }
        long lastWriteMillis = liveSets.stream()
                .filter(this::isOurs)
                .mapToLong(LiveSet::lastWriteMillis)
                .max()
                .orElse(0);
        long latestMillis = Math.max(lastWriteMillis, attached.get().modifiedMillis()) + GRACE_MILLIS;
        if (Math.max(now.modifiedMillis(), changedMillis) > latestMillis) {
            return Optional.of(Doubt.imageChanged("the image was changed after the agent's last write"));
        }
        return now.modifiedMillis() >= attached.get().modifiedMillis()
                ? Optional.empty()
                : Optional.of(Doubt.imageChanged("the image is older than when it was attached"));
    }

    private static boolean isSamePlace(DriveImage image, ImageIdentity before, ImageIdentity now) {
        return image.isRegularFile()
                ? before.fileKey().equals(now.fileKey())
                : before.path().equals(now.path());
    }
}
