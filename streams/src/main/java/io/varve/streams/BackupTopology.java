package io.varve.streams;

import io.varve.core.commit.Outcome;
import io.varve.core.commit.UnitId;
import io.varve.core.commit.UnitInput;
import io.varve.core.reader.FoldOutput;
import io.varve.schemas.Topics;
import io.varve.schemas.VarveSerdes;
import io.varve.streams.fold.FoldProcessor;
import io.varve.streams.unit.UnitOutput;
import io.varve.streams.unit.UnitProcessor;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.AutoOffsetReset;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.Named;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.Repartitioned;

/**
 * The topology (design.md section 4).
 *
 * <pre>
 *   varve.changes --> fold --parts, by unit--> units --> varve.backup-tasks
 *                      `----------------------. | `----> varve.sync-points
 *                                              v v
 *   varve.backup-outcomes --by unit--> units  varve.backup-outcomes
 * </pre>
 *
 * <p>A drive's first records may lie before what is committed, or be gone: reading begins at the earliest, and the fold
 * notices by the control numbers and the digests what is missing.
 */
final class BackupTopology {
    private final VarveSerdes serdes;
    private final Duration silence;

    BackupTopology(VarveSerdes serdes, Duration silence) {
        this.serdes = serdes;
        this.silence = silence;
    }

    /**
     * Builds it.
     *
     * @param partitions of the topics between its parts; must stay the same
     */
    Topology build(int partitions) {
        StreamsBuilder builder = new StreamsBuilder();
        KStream<String, FoldOutput> folded = builder.stream(Topics.CHANGES, from(serdes.logRecords()))
                .process(FoldProcessor.supplier(serdes), Named.as("fold"));
        folded.<Outcome>flatMapValues(
                        said -> said instanceof FoldOutput.ToAgent(Outcome asked) ? List.of(asked) : List.of())
                .to(Topics.BACKUP_OUTCOMES, to(serdes.outcomes()));
        KStream<String, UnitInput> parts = folded.<UnitInput>flatMapValues(said ->
                        said instanceof FoldOutput.ToUnit(String unit, UnitInput input) ? List.of(input) : List.of())
                .repartition(between("parts", partitions));
        KStream<String, UnitInput> heard = builder.stream(Topics.BACKUP_OUTCOMES, from(serdes.outcomes()))
                .flatMap((drive, outcome) -> heard(outcome).stream().toList())
                .repartition(between("heard", partitions));
        KStream<String, UnitOutput> units =
                parts.merge(heard).process(UnitProcessor.supplier(serdes, silence), Named.as("units"));
        deliver(units);
        return builder.build();
    }

    private void deliver(KStream<String, UnitOutput> units) {
        units.flatMapValues(said -> said instanceof UnitOutput.ToSinks(var task) ? List.of(task) : List.of())
                .to(Topics.BACKUP_TASKS, to(serdes.tasks()));
        units.<Outcome>flatMapValues(
                        said -> said instanceof UnitOutput.ToAgent(var decided) ? List.of(decided) : List.of())
                .to(Topics.BACKUP_OUTCOMES, to(serdes.outcomes()));
        units.flatMapValues(said -> said instanceof UnitOutput.Changed(var state) ? List.of(state) : List.of())
                .to(Topics.SYNC_POINTS, to(serdes.unitStates()));
    }

    private static Optional<KeyValue<String, UnitInput>> heard(Outcome outcome) {
        return unitOf(outcome).map(unit -> KeyValue.pair(unit.toString(), new UnitInput.Heard(unit, outcome)));
    }

    private static Optional<UnitId> unitOf(Outcome outcome) {
        return switch (outcome) {
            case Outcome.Progress progress -> Optional.of(progress.unit());
            case Outcome.Copied copied -> Optional.of(copied.unit());
            case Outcome.CopyFailed failed -> Optional.of(failed.unit());
            case Outcome.AbortRequested requested -> Optional.of(requested.unit());
            case Outcome.Decided decided -> Optional.of(decided.unit());
            case Outcome.RepublicationRequested requested -> Optional.empty();
        };
    }

    private static <V> Consumed<String, V> from(Serde<V> values) {
        return Consumed.with(Serdes.String(), values).withOffsetResetPolicy(AutoOffsetReset.earliest());
    }

    private static <V> Produced<String, V> to(Serde<V> values) {
        return Produced.with(Serdes.String(), values);
    }

    private Repartitioned<String, UnitInput> between(String name, int partitions) {
        return Repartitioned.with(Serdes.String(), serdes.unitInputs())
                .withName(name)
                .withNumberOfPartitions(partitions);
    }
}
