package io.varve.embedded.broker;

import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.metadata.storage.Formatter;

/** The node's log folder, formatted once for a cluster id of its own. */
final class DataFolder {

    /** Kafka's sign of a formatted folder; {@link Formatter} moves it into place as its last step. */
    private static final String FORMATTED = "meta.properties";

    private DataFolder() {}

    /** Formats the folder when it isn't formatted yet; one that is stays as it is. */
    static void prepare(Path data) throws Exception {
        if (Files.exists(data.resolve(FORMATTED))) {
            return;
        }
        Files.createDirectories(data);
        new Formatter()
                // It prints what it formats to standard output otherwise, where the parent waits for the ready line.
                .setPrintStream(new PrintStream(OutputStream.nullOutputStream(), false, StandardCharsets.UTF_8))
                .setNodeId(BrokerSettings.NODE_ID)
                .setClusterId(Uuid.randomUuid().toString())
                .setControllerListenerName(BrokerSettings.CONTROLLER_LISTENER)
                .setMetadataLogDirectory(data.toString())
                .setDirectories(List.of(data.toString()))
                .setIgnoreFormatted(true)
                .run();
    }
}
