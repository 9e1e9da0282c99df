package io.varve.embedded.broker;

import io.varve.embedded.child.ParentWatch;
import io.varve.embedded.child.ReadyLine;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import kafka.server.KafkaConfig;
import kafka.server.KafkaRaftServer;
import org.apache.kafka.common.utils.Time;

/**
 * One Kafka node in this process: broker and controller.
 *
 * <p>Arguments: the data folder, made and formatted when it is new, and the port on the loopback interface. The process
 * ends cleanly when its standard input ends.
 */
public final class BrokerMain {

    private BrokerMain() {}

    /** Starts the node, says so with a {@link ReadyLine}, and serves until the parent is gone. */
    public static void main(String[] arguments) throws Exception {
        if (arguments.length != 2) {
            System.err.println("usage: BrokerMain DATA PORT");
            System.exit(2);
        }
        var data = Path.of(arguments[0]).toAbsolutePath();
        int port = Integer.parseInt(arguments[1]);
        var settings = new BrokerSettings(data, port, freePort());
        DataFolder.prepare(data);
        var server = new KafkaRaftServer(new KafkaConfig(settings.toProperties()), Time.SYSTEM);
        Runtime.getRuntime()
                .addShutdownHook(Thread.ofPlatform().name("shutdown").unstarted(server::shutdown));
        ParentWatch.start(System.in, () -> System.exit(0));
        server.startup();
        new ReadyLine(BrokerSettings.HOST + ":" + port).print(System.out);
        server.awaitShutdown();
    }

    private static int freePort() throws IOException {
        try (var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }
}
