package io.varve.capture.nbd;

import io.varve.capture.backend.BackendAccess;
import io.varve.capture.backend.RawFileBackend;
import io.varve.formats.nbd.NbdAddress;
import io.varve.formats.nbd.NbdUri;
import io.varve.formats.nbd.StatusExtent;
import io.varve.transfer.nbd.NbdClient;
import io.varve.transfer.nbd.NbdClientOptions;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** An image in a folder, served on a Unix socket and a TCP port as {@code drive0}. */
final class ServedImage implements AutoCloseable {
    static final String NAME = "drive0";

    final Path image;
    final ExportRegistry exports = new ExportRegistry();
    final NbdServer server;
    final NbdUri unix;
    final NbdUri tcp;
    private final RawFileBackend backend;
    private final ExecutorService flushes = Executors.newFixedThreadPool(2);

    ServedImage(Path folder, long sizeBytes) throws IOException {
        this(folder, sizeBytes, NbdServerOptions.DEFAULT);
    }

    ServedImage(Path folder, long sizeBytes, NbdServerOptions options) throws IOException {
        image = folder.resolve("drive0.raw");
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            file.setLength(sizeBytes);
        }
        backend = RawFileBackend.open(image, BackendAccess.READ_WRITE);
        exports.add(NAME, new BackendExport(backend, BackendAccess.READ_WRITE, flushes));
        server = new NbdServer(exports, options);
        unix = new NbdUri(
                server.listen(new NbdAddress.Unix(folder.resolve("nbd.sock").toString())), NAME);
        tcp = new NbdUri(server.listen(new NbdAddress.Tcp("127.0.0.1", 0)), NAME);
    }

    RawFileBackend backend() {
        return backend;
    }

    NbdClient client() throws IOException {
        return client(unix);
    }

    static NbdClient client(NbdUri uri) throws IOException {
        return NbdClient.connect(uri, List.of(StatusExtent.BASE_ALLOCATION), NbdClientOptions.DEFAULT);
    }

    @Override
    public void close() throws IOException {
        server.close();
        backend.close();
        flushes.shutdown();
    }
}
