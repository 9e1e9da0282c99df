package io.varve.streams.fold;

import io.varve.core.event.LogRecord;
import io.varve.schemas.VarveSerdes;
import java.util.Optional;
import java.util.Set;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.ProcessorSupplier;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.StoreBuilder;

/** Gives each record of the log to the task's {@link DriveFold}. Thread: its task's only. */
public final class FoldProcessor implements Processor<String, LogRecord, String, FoldOutput> {
    private Optional<DriveFold> fold = Optional.empty();

    private FoldProcessor() {}

    /** Makes the processors and their stores. */
    public static ProcessorSupplier<String, LogRecord, String, FoldOutput> supplier(VarveSerdes serdes) {
        return new ProcessorSupplier<>() {
            @Override
            public Processor<String, LogRecord, String, FoldOutput> get() {
                return new FoldProcessor();
            }

            @Override
            public Set<StoreBuilder<?>> stores() {
                return FoldStores.builders(serdes);
            }
        };
    }

    @Override
    public void init(ProcessorContext<String, FoldOutput> context) {
        fold = Optional.of(new DriveFold(context, new FoldStores(context)));
    }

    @Override
    public void process(Record<String, LogRecord> record) {
        fold.orElseThrow().on(record.value(), record.timestamp());
    }
}
