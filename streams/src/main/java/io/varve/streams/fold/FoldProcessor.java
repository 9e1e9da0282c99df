package io.varve.streams.fold;

import io.varve.core.event.LogRecord;
import io.varve.core.reader.FoldOutput;
import io.varve.core.reader.LogReader;
import io.varve.schemas.VarveSerdes;
import java.util.Optional;
import java.util.Set;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.ProcessorSupplier;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.processor.api.RecordMetadata;
import org.apache.kafka.streams.state.StoreBuilder;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Gives each record of the log to the task's {@link LogReader}. Thread: its task's only. */
public final class FoldProcessor implements Processor<String, LogRecord, String, FoldOutput> {
    private static final Logger LOG = LoggerFactory.getLogger(FoldProcessor.class);

    private Optional<Task> task = Optional.empty();

    /** Of the record that is processed. */
    private long timestamp;

    /** What a task works with. */
    private record Task(ProcessorContext<String, FoldOutput> context, LogReader reader) {}

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
        LogReader reader = new LogReader(new FoldStores(context), output -> forward(context, output));
        task = Optional.of(new Task(context, reader));
    }

    @Override
    public void process(Record<String, LogRecord> record) {
        Task own = task.orElseThrow();
        long offset = own.context().recordMetadata().map(RecordMetadata::offset).orElseThrow();
        timestamp = record.timestamp();
        own.reader().on(record.value(), offset);
    }

    private void forward(ProcessorContext<String, FoldOutput> context, FoldOutput output) {
        switch (output) {
            case FoldOutput.ToUnit(String unit, var input) -> forward(context, unit, output);
            case FoldOutput.ToAgent(var outcome) ->
                forward(context, outcome.drive().value(), output);
            case FoldOutput.Warning(String text) -> LOG.warn("{}", text);
        }
    }

    private void forward(ProcessorContext<String, FoldOutput> context, String key, FoldOutput output) {
        context.forward(new Record<>(key, output, timestamp));
    }
}
