package io.varve.embedded.broker;

import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Objects;
import java.util.Properties;

/**
 * The node's settings: those of {@code broker.properties}, and where it keeps its data and listens.
 *
 * @param data the folder of its log
 * @param port where clients connect on the loopback interface
 * @param controllerPort where the node's own controller listens on the loopback interface
 */
record BrokerSettings(Path data, int port, int controllerPort) {

    static final int NODE_ID = 1;
    static final String CONTROLLER_LISTENER = "CONTROLLER";
    static final String HOST = "127.0.0.1";

    Properties toProperties() throws IOException {
        var properties = new Properties();
        var resource = Objects.requireNonNull(BrokerSettings.class.getResourceAsStream("/broker.properties"));
        try (var reader = new InputStreamReader(resource, StandardCharsets.UTF_8)) {
            properties.load(reader);
        }
        var clients = HOST + ":" + port;
        var controller = HOST + ":" + controllerPort;
        properties.setProperty("listeners", "PLAINTEXT://" + clients + "," + CONTROLLER_LISTENER + "://" + controller);
        properties.setProperty("controller.quorum.voters", NODE_ID + "@" + controller);
        properties.setProperty("log.dirs", data.toString());
        return properties;
    }
}
