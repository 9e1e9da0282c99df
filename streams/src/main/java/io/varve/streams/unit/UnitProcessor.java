package io.varve.streams.unit;

import io.varve.core.commit.UnitInput;
import io.varve.schemas.VarveSerdes;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import org.apache.kafka.streams.processor.PunctuationType;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.ProcessorSupplier;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.StoreBuilder;

/** Gives each input to the task's {@link UnitFlow}, and lets it look for silence. Thread: its task's only. */
public final class UnitProcessor implements Processor<String, UnitInput, String, UnitOutput> {
    /** A silence is noticed at most this part of it late. */
    private static final int CHECKS_PER_SILENCE = 4;

    private final Duration silence;
    private Optional<UnitFlow> flow = Optional.empty();

    private UnitProcessor(Duration silence) {
        this.silence = silence;
    }

    /**
     * Makes the processors and their stores.
     *
     * @param silence after which a unit of which nothing was heard is told so
     */
    public static ProcessorSupplier<String, UnitInput, String, UnitOutput> supplier(
            VarveSerdes serdes, Duration silence) {
        return new ProcessorSupplier<>() {
            @Override
            public Processor<String, UnitInput, String, UnitOutput> get() {
                return new UnitProcessor(silence);
            }

            @Override
            public Set<StoreBuilder<?>> stores() {
                return UnitStores.builders(serdes);
            }
        };
    }

    @Override
    public void init(ProcessorContext<String, UnitOutput> context) {
        UnitFlow started = new UnitFlow(context, new UnitStores(context), silence);
        context.schedule(silence.dividedBy(CHECKS_PER_SILENCE), PunctuationType.WALL_CLOCK_TIME, started::checkSilence);
        flow = Optional.of(started);
    }

    @Override
    public void process(Record<String, UnitInput> record) {
        flow.orElseThrow().on(record.key(), record.value(), record.timestamp());
    }
}
