package io.varve.transfer.nbd;

import io.varve.formats.nbd.NbdAddress;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.StandardProtocolFamily;
import java.net.StandardSocketOptions;
import java.net.UnixDomainSocketAddress;
import java.net.UnknownHostException;
import java.nio.channels.SocketChannel;
import java.time.Duration;

/** From NBD addresses to sockets. */
public final class NbdSockets {
    private NbdSockets() {}

    public static SocketAddress socketAddress(NbdAddress.Unix unix) {
        return UnixDomainSocketAddress.of(unix.path());
    }

    /**
     * Resolves the host.
     *
     * @throws UnknownHostException when the host's name doesn't resolve
     */
    public static InetSocketAddress inetAddress(NbdAddress.Tcp tcp) throws UnknownHostException {
        InetSocketAddress address = new InetSocketAddress(tcp.host(), tcp.port());
        if (address.isUnresolved()) {
            throw new UnknownHostException("host '" + tcp.host() + "' of " + tcp + " isn't known");
        }
        return address;
    }

    /**
     * Connects.
     *
     * @throws IOException in one sentence that names the address
     */
    public static SocketChannel connect(NbdAddress address, Duration timeout) throws IOException {
        try {
            return switch (address) {
                case NbdAddress.Unix unix -> connectUnix(unix);
                case NbdAddress.Tcp tcp -> connectTcp(tcp, timeout);
            };
        } catch (IOException e) {
            throw new IOException("can't connect to " + address + ": " + e.getMessage() + "; is the server up?", e);
        }
    }

    private static SocketChannel connectUnix(NbdAddress.Unix unix) throws IOException {
        SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
        try {
            channel.connect(socketAddress(unix));
            return channel;
        } catch (IOException e) {
            channel.close();
            throw e;
        }
    }

    private static SocketChannel connectTcp(NbdAddress.Tcp tcp, Duration timeout) throws IOException {
        InetSocketAddress address = inetAddress(tcp);
        SocketChannel channel = SocketChannel.open();
        try {
            channel.socket().connect(address, (int) timeout.toMillis());
            channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
            return channel;
        } catch (IOException e) {
            channel.close();
            throw e;
        }
    }
}
