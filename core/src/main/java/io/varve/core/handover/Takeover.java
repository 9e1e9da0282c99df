package io.varve.core.handover;

import io.varve.core.drive.DriveState;
import io.varve.core.drive.Generation;
import io.varve.core.event.LogRecord;
import io.varve.core.fold.Fold;
import io.varve.core.id.DriveId;
import io.varve.core.id.IncarnationId;
import java.util.List;
import java.util.Optional;

/** What a target may inherit: a journal that came from elsewhere is believed as far as its records prove it. */
public sealed interface Takeover {
    /**
     * They can.
     *
     * @param state what the records come to: its last incarnation is the one that is inherited
     */
    record Accepted(DriveState state) implements Takeover {}

    /** In one sentence. */
    record Refused(String reason) implements Takeover {}

    /**
     * Whether {@code records} can be gone on with.
     *
     * @param own what the target's own journal of such a drive holds, if it has one: it must have handed the drive over
     *     before, and be a part of what comes back now
     */
    static Takeover of(DriveId drive, IncarnationId handover, List<LogRecord> records, List<LogRecord> own) {
        String subject = "the journal that came for drive '" + drive + "' ";
        if (!Release.of(records).equals(Optional.of(handover))) {
            return new Refused(subject + "doesn't end with the hand-over " + handover
                    + ": begin again, with an agent that has released the drive");
        }
        Optional<DriveState> folded = replay(drive, records);
        if (folded.isEmpty() || folded.get().control() != records.getLast().control()) {
            return new Refused(subject + "doesn't hold all records of that drive up to its last, "
                    + records.getLast().control() + ": carry it again");
        }
        DriveState state = folded.get();
        Optional<Generation> unsealed = state.generations().values().stream()
                .filter(generation -> generation.seal().isEmpty()
                        && generation.number() != state.open().number())
                .findFirst();
        if (unsealed.isPresent() || !state.line().getLast().equals(handover)) {
            return new Refused(subject + "isn't one that an agent could have released: carry it again");
        }
        return ownObjection(state, own).<Takeover>map(Refused::new).orElseGet(() -> new Accepted(state));
    }

    private static Optional<DriveState> replay(DriveId drive, List<LogRecord> records) {
        Optional<DriveState> state = Optional.empty();
        for (LogRecord record : records) {
            if (!record.drive().equals(drive) || !record.isControl()) {
                return Optional.empty();
            }
            state = Fold.apply(state, record).state();
        }
        return state;
    }

    private static Optional<String> ownObjection(DriveState state, List<LogRecord> own) {
        if (own.isEmpty()) {
            return Optional.empty();
        }
        boolean comesBack = Release.of(own)
                .filter(state.line()::contains)
                .filter(_ -> own.getLast().control() <= state.control())
                .isPresent();
        return comesBack
                ? Optional.empty()
                : Optional.of("this agent has a journal of another drive '" + state.drive()
                        + "', or a later one of it: move its folder in the state directory away, or name the drive"
                        + " otherwise");
    }
}
