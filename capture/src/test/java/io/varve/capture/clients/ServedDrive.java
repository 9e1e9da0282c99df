package io.varve.capture.clients;

import io.varve.capture.nbd.NbdServer;
import io.varve.capture.nbd.NbdServerOptions;
import io.varve.capture.tracking.AgentFixture;
import io.varve.core.Tool;
import io.varve.core.drive.Completion;
import io.varve.core.transaction.Action;
import io.varve.formats.nbd.NbdAddress;
import io.varve.formats.nbd.NbdUri;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/** An agent's drive {@code drive0} of 24 MiB, and its snapshots, on a Unix socket and a TCP port. */
final class ServedDrive implements AutoCloseable {
    static final int MIB = 1 << 20;
    static final int SIZE_BYTES = 24 * MIB;

    private final Path folder;
    private final AgentFixture fixture;
    private final NbdServer server;
    private final NbdAddress unix;
    private final NbdAddress.Tcp tcp;

    ServedDrive(Path folder, NbdServerOptions options) throws IOException {
        this.folder = folder;
        fixture = AgentFixture.open(folder);
        var _ = fixture.attach("drive0", SIZE_BYTES);
        server = new NbdServer(fixture.exports(), options);
        unix = server.listen(new NbdAddress.Unix(folder.resolve("nbd.sock").toString()));
        tcp = (NbdAddress.Tcp) server.listen(new NbdAddress.Tcp("127.0.0.1", 0));
    }

    static ServedDrive in(Path folder) throws IOException {
        return new ServedDrive(folder, NbdServerOptions.DEFAULT);
    }

    Path image() {
        return fixture.image("drive0");
    }

    String unix() {
        return unix("drive0");
    }

    String unix(String export) {
        return new NbdUri(unix, export).toString();
    }

    String socket() {
        return folder.resolve("nbd.sock").toString();
    }

    String tcp() {
        return new NbdUri(tcp, "drive0").toString();
    }

    int port() {
        return tcp.port();
    }

    /** Takes a snapshot; its export's name. */
    String snapshot(Action... actions) {
        return fixture.transact(Completion.INDIVIDUAL, actions)
                .getFirst()
                .snapshot()
                .name();
    }

    void transact(Action... actions) {
        var _ = fixture.transact(Completion.INDIVIDUAL, actions);
    }

    /** What a guest does, by qemu-io; all of it must go well. */
    static String guest(String uri, String... commands) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of("qemu-io", "-f", "raw"));
        for (String each : commands) {
            command.addAll(List.of("-c", each));
        }
        command.add(uri);
        String said = Tool.run(command.toArray(String[]::new)).success();
        if (said.contains("failed")) {
            throw new AssertionError(said);
        }
        return said;
    }

    /** A file of the drive's size, random data with holes before, between and behind. */
    static Path randomFile(Path file, long seed) throws IOException {
        byte[] content = new byte[SIZE_BYTES];
        byte[] part = new byte[5 * MIB];
        new SplittableRandom(seed).nextBytes(part);
        System.arraycopy(part, 0, content, MIB, part.length);
        System.arraycopy(part, 0, content, 16 * MIB + 4096, part.length);
        return Files.write(file, content);
    }

    @Override
    public void close() throws IOException {
        server.close();
        fixture.close();
    }
}
