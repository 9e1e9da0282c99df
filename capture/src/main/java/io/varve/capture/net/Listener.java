package io.varve.capture.net;

import io.varve.formats.nbd.NbdAddress;
import io.varve.transfer.nbd.NbdSockets;
import java.io.IOException;
import java.net.BindException;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.StandardProtocolFamily;
import java.net.StandardSocketOptions;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;

/**
 * A bound socket. A Unix socket's file is made here, taken over when nobody answers on it, and deleted at the end.
 *
 * @param address with the port that was chosen
 */
record Listener(NbdAddress address, ServerSocketChannel channel) implements AutoCloseable {
    private static final int BACKLOG = 64;
    private static final Set<PosixFilePermission> OWNER_ONLY = PosixFilePermissions.fromString("rw-------");

    /**
     * Binds.
     *
     * @throws IOException in one sentence, when the address is taken or can't be had
     */
    static Listener bind(NbdAddress address) throws IOException {
        return switch (address) {
            case NbdAddress.Unix unix -> bindUnix(unix);
            case NbdAddress.Tcp tcp -> bindTcp(tcp);
        };
    }

    private static Listener bindUnix(NbdAddress.Unix unix) throws IOException {
        Path path = Path.of(unix.path());
        SocketAddress address = NbdSockets.socketAddress(unix);
        if (Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
            removeStale(path, address);
        }
        ServerSocketChannel channel = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        try {
            channel.bind(address, BACKLOG);
            // Until here the umask kept others out, unless it lets them write.
            Files.setPosixFilePermissions(path, OWNER_ONLY);
        } catch (IOException e) {
            channel.close();
            throw new IOException("can't listen on " + unix + ": " + e.getMessage(), e);
        }
        return new Listener(unix, channel);
    }

    private static void removeStale(Path path, SocketAddress address) throws IOException {
        if (Files.isRegularFile(path) || Files.isDirectory(path)) {
            throw new IOException("can't listen on unix:" + path + ": it exists and isn't a socket");
        }
        try (SocketChannel probe = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            probe.connect(address);
        } catch (ConnectException e) {
            Files.delete(path);
            return;
        }
        throw new IOException("can't listen on unix:" + path + ": another process does; stop it or choose another");
    }

    private static Listener bindTcp(NbdAddress.Tcp tcp) throws IOException {
        InetSocketAddress wanted = NbdSockets.inetAddress(tcp);
        ServerSocketChannel channel = ServerSocketChannel.open();
        try {
            channel.setOption(StandardSocketOptions.SO_REUSEADDR, true);
            channel.bind(wanted, BACKLOG);
            int port = ((InetSocketAddress) channel.getLocalAddress()).getPort();
            return new Listener(new NbdAddress.Tcp(tcp.host(), port), channel);
        } catch (BindException e) {
            channel.close();
            throw new IOException("can't listen on " + tcp + ": " + e.getMessage() + "; choose another address", e);
        } catch (IOException e) {
            channel.close();
            throw e;
        }
    }

    @Override
    public void close() throws IOException {
        channel.close();
        if (address instanceof NbdAddress.Unix(String path)) {
            Files.deleteIfExists(Path.of(path));
        }
    }
}
