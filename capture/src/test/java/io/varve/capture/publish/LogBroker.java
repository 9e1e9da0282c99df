package io.varve.capture.publish;

import io.varve.embedded.stack.BrokerProcess;
import io.varve.schemas.TopicSchemaIds;
import io.varve.schemas.TopicSetup;
import java.nio.file.Path;
import java.util.Map;
import org.apache.kafka.clients.admin.Admin;

/** A real broker with Varve's topics and schemas. */
record LogBroker(BrokerProcess process) implements AutoCloseable {
    static LogBroker start(Path folder) throws Exception {
        LogBroker broker = new LogBroker(BrokerProcess.start(folder.resolve("data"), folder.resolve("broker.log")));
        try (Admin admin = Admin.create(broker.client())) {
            TopicSetup.create(admin, 4, (short) 1);
        }
        TopicSchemaIds.register(broker.client());
        return broker;
    }

    Map<String, Object> client() {
        return Map.of("bootstrap.servers", process.bootstrapServers());
    }

    /** Stops it from answering, without ending it, or lets it go on. */
    void signal(String signal) throws Exception {
        int exit = new ProcessBuilder(
                        "kill", "-" + signal, Long.toString(process.process().pid()))
                .inheritIO()
                .start()
                .waitFor();
        if (exit != 0) {
            throw new AssertionError("kill -" + signal + " ended with " + exit);
        }
    }

    @Override
    public void close() {
        process.close();
    }
}
