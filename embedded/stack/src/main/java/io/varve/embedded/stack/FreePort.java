package io.varve.embedded.stack;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;

/** A port of the loopback interface that nobody listened on a moment ago. */
public final class FreePort {

    private FreePort() {}

    /** Asks the system for one; a server that starts on it soon will hardly find it taken. */
    public static int find() throws IOException {
        try (var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }
}
