package io.varve.cli.stack;

import io.varve.archive.ArchiveSettings;
import io.varve.embedded.stack.FreePort;
import io.varve.embedded.stack.StoreProcess;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;

/**
 * Where a stack's parts listen, and the names under which {@code varve.properties} keeps that for the other verbs.
 *
 * @param nbdPort of the agent; its sinks and guests of other hosts use it
 */
record Addresses(int brokerPort, int storePort, int nbdPort, StackFolder folder) {

    static final String KAFKA = "kafka";
    static final String AGENT = "agent";
    static final String NBD_UNIX = "nbd-unix";
    static final String NBD_TCP = "nbd-tcp";

    /** The bucket, without a prefix: it's the stack's own. */
    static final String ARCHIVE_OF_STACK = "s3://varve/archive";

    private static final String HOST = "127.0.0.1";
    private static final int PORT_MAX = 65535;

    /**
     * The ports that the file names, free ones for those that it doesn't.
     *
     * @throws IOException in one sentence when a kept one is taken
     */
    static Addresses choose(StackFolder folder, Properties kept) throws IOException {
        return new Addresses(
                port(folder, kept, KAFKA),
                port(folder, kept, ArchiveSettings.ENDPOINT),
                port(folder, kept, NBD_TCP),
                folder);
    }

    private static int port(StackFolder folder, Properties kept, String key) throws IOException {
        var address = kept.getProperty(key, "");
        if (address.isEmpty()) {
            return FreePort.find();
        }
        var digits = address.substring(address.lastIndexOf(':') + 1);
        if (!digits.matches("\\d{1,5}") || Integer.parseInt(digits) < 1 || Integer.parseInt(digits) > PORT_MAX) {
            throw new IOException("The file " + folder.properties() + " has " + key + "=" + address
                    + ", which names no port; remove the line to get a new one");
        }
        int port = Integer.parseInt(digits);
        checkFree(folder, key, port);
        return port;
    }

    private static void checkFree(StackFolder folder, String key, int port) throws IOException {
        try (var socket = new ServerSocket()) {
            // As servers do: connections of a former one that fade away don't matter.
            socket.setReuseAddress(true);
            socket.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
        } catch (IOException e) {
            throw new IOException(
                    "Port " + port + ", which " + folder.properties() + " keeps as '" + key
                            + "', is taken; end what listens there, or remove the line to get a new one",
                    e);
        }
    }

    String kafka() {
        return HOST + ":" + brokerPort;
    }

    String storeEndpoint() {
        return "http://" + HOST + ":" + storePort;
    }

    String nbdTcp() {
        return HOST + ":" + nbdPort;
    }

    String nbdUnix() {
        return unix(folder.nbdSocket());
    }

    String agent() {
        return unix(folder.qmpSocket());
    }

    private static String unix(Path socket) {
        return "unix:" + socket;
    }

    Map<String, String> toProperties() {
        var values = new TreeMap<String, String>();
        values.put(KAFKA, kafka());
        values.put(ArchiveSettings.ARCHIVE, ARCHIVE_OF_STACK);
        values.put(ArchiveSettings.ENDPOINT, storeEndpoint());
        values.put(ArchiveSettings.REGION, StoreProcess.REGION);
        values.put(ArchiveSettings.CREDENTIALS, folder.credentials().toString());
        values.put(AGENT, agent());
        values.put(NBD_UNIX, nbdUnix());
        values.put(NBD_TCP, nbdTcp());
        return values;
    }
}
