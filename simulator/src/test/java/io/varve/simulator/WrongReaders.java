package io.varve.simulator;

import io.varve.core.bits.Digest;
import io.varve.core.bits.Marks;
import io.varve.core.drive.Cut;
import io.varve.core.drive.DriveState;
import io.varve.core.drive.Generation;
import io.varve.core.drive.SyncPointMark;
import io.varve.core.event.DriveEvent;
import io.varve.core.event.LogRecord;
import io.varve.core.fold.Effect;
import io.varve.core.fold.Fold;
import io.varve.core.reader.ReaderStores;
import java.util.EnumSet;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;

/** Sabotage of how the log is read. */
final class WrongReaders {
    private WrongReaders() {}

    private static boolean isSuspected(LogRecord record, ReaderStores stores) {
        return Fold.apply(stores.state(record.drive()), record).effects().stream()
                .anyMatch(Effect.Suspected.class::isInstance);
    }

    /** Whoever writes counts as the drive's agent. */
    record WithoutEpochs() implements Rules {
        @Override
        public Set<Faults.Kind> emphasis() {
            return EnumSet.of(Faults.Kind.STRANGER);
        }

        @Override
        public Optional<LogRecord> read(LogRecord record, ReaderStores stores) {
            Optional<DriveState> state = stores.state(record.drive());
            return Optional.of(
                    state.isPresent() && isSuspected(record, stores)
                            ? new LogRecord(
                                    record.drive(), state.get().line().getLast(), record.control(), record.event())
                            : record);
        }
    }

    /** A stranger's records are passed over in silence. */
    record DropsStale() implements Rules {
        @Override
        public Set<Faults.Kind> emphasis() {
            return EnumSet.of(Faults.Kind.STRANGER);
        }

        @Override
        public Optional<LogRecord> read(LogRecord record, ReaderStores stores) {
            return isSuspected(record, stores) ? Optional.empty() : Optional.of(record);
        }
    }

    /** What is missing before a record isn't missed, as where reading begins anew at the earliest that is left. */
    record BeginsAtTheEarliest() implements Rules {
        @Override
        public Optional<LogRecord> read(LogRecord record, ReaderStores stores) {
            long known = stores.state(record.drive()).map(DriveState::control).orElse(0L);
            return Optional.of(
                    known > 0 && record.control() > known + 1
                            ? new LogRecord(record.drive(), record.incarnation(), known + 1, record.event())
                            : record);
        }
    }

    /** Seals and cuts have whatever digests their marks have here. */
    record IgnoresDigests() implements Rules {
        @Override
        public Optional<LogRecord> read(LogRecord record, ReaderStores stores) {
            return Optional.of(stores.state(record.drive())
                    .map(state -> new LogRecord(
                            record.drive(), record.incarnation(), record.control(), believed(state, record, stores)))
                    .orElse(record));
        }

        private static DriveEvent believed(DriveState state, LogRecord record, ReaderStores stores) {
            return switch (record.event()) {
                case DriveEvent.SyncPointMarked(var mark)
                when mark.cut().isPresent() -> new DriveEvent.SyncPointMarked(believed(state, mark, stores));
                case DriveEvent.GenerationSealed sealed
                when state.open().number() == sealed.generation() ->
                    new DriveEvent.GenerationSealed(
                            sealed.generation(),
                            sealed.dirtyBytes(),
                            stores.marks().load(state.drive(), state.open()).digest(),
                            sealed.openedGranularity());
                default -> record.event();
            };
        }

        private static SyncPointMark believed(DriveState state, SyncPointMark mark, ReaderStores stores) {
            Cut cut = mark.cut().orElseThrow();
            Marks union = Marks.none(cut.granularity(), mark.sizeBytes());
            for (long number : cut.generations()) {
                if (state.generations().containsKey(number)) {
                    Generation generation =
                            Objects.requireNonNull(state.generations().get(number));
                    union.union(stores.marks().load(state.drive(), generation));
                }
            }
            Digest digest = union.digest();
            Cut found =
                    new Cut(cut.bitmap(), cut.mode(), cut.generations(), cut.granularity(), union.dirtyBytes(), digest);
            return new SyncPointMark(
                    mark.key(),
                    mark.participants(),
                    mark.completion(),
                    mark.target(),
                    mark.kind(),
                    Optional.of(found),
                    mark.anchors(),
                    mark.sizeBytes(),
                    mark.export());
        }
    }
}
