package io.varve.cli.qmp;

import io.varve.formats.nbd.NbdAddress;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;

/** Speaks the bytes of a script to each client, one after the other: what a protocol's other side may send. */
public final class SpeakingServer implements AutoCloseable {

    /** QEMU's greeting, and its reply to the first command. */
    public static final String GREETING = """
            {"QMP": {"version": {"qemu": {"micro": 0, "minor": 2, "major": 7}, "package": ""}, "capabilities": []}}
            """;

    private final ServerSocketChannel listener;
    private final Script script;
    private final List<String> received = new CopyOnWriteArrayList<>();

    /** What the server says. */
    public interface Script {
        /** When a client has come. */
        String begin();

        /** After a line of the client's; null closes the connection. */
        @Nullable
        String answer(String line);
    }

    private SpeakingServer(ServerSocketChannel listener, Script script) {
        this.listener = listener;
        this.script = script;
        Thread.ofPlatform().daemon().name("speaking-server").start(this::serve);
    }

    /** On a port of its own. */
    public static SpeakingServer tcp(Script script) throws IOException {
        var listener = ServerSocketChannel.open();
        listener.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
        return new SpeakingServer(listener, script);
    }

    /** On a Unix socket. */
    public static SpeakingServer unix(Path socket, Script script) throws IOException {
        var listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        listener.bind(UnixDomainSocketAddress.of(socket));
        return new SpeakingServer(listener, script);
    }

    /** Where it listens. */
    public NbdAddress address() throws IOException {
        return switch (listener.getLocalAddress()) {
            case UnixDomainSocketAddress unix ->
                new NbdAddress.Unix(unix.getPath().toString());
            case InetSocketAddress tcp -> new NbdAddress.Tcp("127.0.0.1", tcp.getPort());
            default -> throw new IllegalStateException("no such socket was opened");
        };
    }

    /** What clients sent, a line each. */
    public List<String> received() {
        return List.copyOf(received);
    }

    private void serve() {
        try {
            while (true) {
                try (var client = listener.accept();
                        var lines = new BufferedReader(
                                new InputStreamReader(Channels.newInputStream(client), StandardCharsets.UTF_8));
                        var output = Channels.newOutputStream(client)) {
                    talk(lines, output);
                }
            }
        } catch (IOException e) {
            // Closed.
            return;
        }
    }

    private void talk(BufferedReader lines, OutputStream output) throws IOException {
        say(output, script.begin());
        for (var line = lines.readLine(); line != null; line = lines.readLine()) {
            received.add(line);
            var answer = script.answer(line);
            if (answer == null) {
                return;
            }
            say(output, answer);
        }
    }

    private static void say(OutputStream output, String text) throws IOException {
        output.write(text.getBytes(StandardCharsets.UTF_8));
        output.flush();
    }

    @Override
    public void close() throws IOException {
        listener.close();
    }
}
