package io.varve.cli.quickstart;

import io.varve.formats.nbd.NbdUri;
import io.varve.transfer.nbd.Durability;
import io.varve.transfer.nbd.NbdClient;
import io.varve.transfer.nbd.NbdClientOptions;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;

/** Gathers neighbouring blocks, so that a drive is filled by few long writes. Thread: its owner's only. */
final class DriveFiller implements AutoCloseable {
    private static final int WRITE_BYTES_MAX = 1 << 20;

    private final NbdClient client;
    private final ByteBuffer gathered = ByteBuffer.allocate(WRITE_BYTES_MAX);
    private long offsetBytes;

    private DriveFiller(NbdClient client) {
        this.client = client;
    }

    static DriveFiller connect(NbdUri uri) throws IOException {
        return new DriveFiller(NbdClient.connect(uri, List.of(), NbdClientOptions.DEFAULT));
    }

    /** Writes a block, sooner or later; {@code bytes} is left as it is. */
    void write(long blockOffsetBytes, ByteBuffer bytes) throws IOException {
        boolean isNext = blockOffsetBytes == offsetBytes + gathered.position();
        if (!isNext || gathered.remaining() < bytes.remaining()) {
            send();
            offsetBytes = blockOffsetBytes;
        }
        gathered.put(bytes.duplicate());
    }

    private void send() throws IOException {
        if (gathered.position() > 0) {
            client.write(offsetBytes, gathered.flip(), Durability.CACHED);
            gathered.clear();
        }
    }

    @Override
    public void close() throws IOException {
        send();
        client.flush();
        client.close();
    }
}
