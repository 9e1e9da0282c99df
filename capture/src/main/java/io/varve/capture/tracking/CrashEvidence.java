package io.varve.capture.tracking;

import io.varve.capture.activity.ActivityFile;
import io.varve.capture.activity.ActivityFile.Content;
import io.varve.capture.activity.ActivityRecord;
import io.varve.core.activity.RegionSpan;
import io.varve.core.bits.Extent;
import io.varve.core.bits.Marks;
import io.varve.core.drive.DriveState;
import io.varve.core.drive.ImageIdentity;
import io.varve.core.id.IncarnationId;
import java.io.IOException;
import java.util.List;
import java.util.Optional;

/**
 * What the activity log tells when the live sets are gone with the host, or can't be believed: every region that was
 * hot counts as written, and what was written before is in files of the open generation's marks.
 *
 * <p>After a power cut an image's times lie anywhere between those at the attach and those of the last write, since
 * they needn't have been made durable with the data. So the image is believed to be Varve's own work when it was
 * changed neither before the attach nor after the log's lease.
 *
 * <p>Thread: the agent's control lock.
 */
final class CrashEvidence {
    private final Content content;
    private final DriveState state;
    private final List<LiveSet> keptOpen;

    private CrashEvidence(Content content, DriveState state, List<LiveSet> keptOpen) {
        this.content = content;
        this.state = state;
        this.keptOpen = keptOpen;
    }

    /** @param keptOpen the kept marks of generations that aren't durably sealed */
    static CrashEvidence of(KeptMarks kept, DriveState state, List<LiveSet> keptOpen) throws IOException {
        return new CrashEvidence(ActivityFile.read(kept.directory()), state, keptOpen);
    }

    /** Why it can't be believed to name every region; empty when it can. */
    Optional<String> doubt() {
        return switch (content) {
            case Content.Absent() -> Optional.of("there's no activity log of that run");
            case Content.Damaged(String reason) -> Optional.of(reason);
            case Content.Whole(ActivityFile.Owner owner, ActivityRecord record) -> doubt(owner, record);
        };
    }

    private Optional<String> doubt(ActivityFile.Owner owner, ActivityRecord record) {
        IncarnationId last = state.line().getLast();
        // One that never came to its first record hasn't written, and took over all that the one before it had.
        boolean isOurs = owner.journal().equals(state.journal())
                && (owner.incarnation().equals(last)
                        || owner.before().filter(last::equals).isPresent());
        if (!isOurs) {
            return Optional.of("the activity log is of another run");
        }
        long needed = record.marksGeneration();
        boolean isThere = needed < state.open().number()
                || keptOpen.stream().anyMatch(set -> set.header().generation() == needed);
        return isThere
                ? Optional.empty()
                : Optional.of("the marks that the activity log needs, of generation " + needed + ", aren't there");
    }

    /** Why the image isn't as the agent left it; empty when nothing tells so. */
    Optional<String> imageDoubt(ImageIdentity attached, ImageIdentity now, long changedMillis, long graceMillis) {
        if (now.modifiedMillis() < attached.modifiedMillis()) {
            return Optional.of("the image is older than when it was attached");
        }
        return content instanceof Content.Whole(var owner, ActivityRecord record)
                        && Math.max(now.modifiedMillis(), changedMillis) > record.leaseMillis() + graceMillis
                ? Optional.of("the image was changed after the agent's last write")
                : Optional.empty();
    }

    /** Marks all that was hot. */
    void joinInto(Marks marks) {
        spans().forEach(span -> marks.mark(span.offsetBytes(), span.lengthBytes()));
    }

    /** What was hot of a drive of {@code sizeBytes}. */
    List<Extent> hot(long sizeBytes) {
        return spans().stream()
                .filter(span -> span.offsetBytes() < sizeBytes)
                .map(span ->
                        new Extent(span.offsetBytes(), Math.min(span.lengthBytes(), sizeBytes - span.offsetBytes())))
                .toList();
    }

    private List<RegionSpan> spans() {
        return content instanceof Content.Whole(var owner, ActivityRecord record) ? record.spans() : List.of();
    }
}
