package io.varve.capture.nbd;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.varve.capture.backend.BackendAccess;
import io.varve.capture.backend.FaultBackend;
import io.varve.capture.backend.FaultEvent;
import io.varve.capture.backend.FaultRule;
import io.varve.capture.backend.FaultRules;
import io.varve.formats.nbd.NbdError;
import io.varve.formats.nbd.NbdUri;
import io.varve.transfer.nbd.Durability;
import io.varve.transfer.nbd.NbdClient;
import io.varve.transfer.nbd.NbdException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

/** A drive whose disk fails: the client is told the error of its request, and goes on. */
class FaultyDriveTest {
    @TempDir
    private Path folder;

    private static FaultRule once(FaultEvent event, int errno) {
        return new FaultRule.InjectError(event, FaultRule.ANY_STATE, errno, OptionalLong.empty(), true, false);
    }

    private static void assertFails(NbdError error, Executable request) {
        assertEquals(error, assertThrows(NbdException.class, request).error());
    }

    @Test
    void shouldTellTheErrorOfEachRequest() throws IOException {
        FaultRules rules = FaultRules.of(List.of(
                once(FaultEvent.READ_AIO, 5), once(FaultEvent.WRITE_AIO, 28), once(FaultEvent.FLUSH_TO_DISK, 5)));
        try (ServedImage served = new ServedImage(folder, 1 << 20)) {
            FaultBackend faulty = new FaultBackend(served.backend(), rules);
            served.exports.add("faulty", new BackendExport(faulty, BackendAccess.READ_WRITE, Runnable::run));
            try (NbdClient client = ServedImage.client(new NbdUri(served.unix.address(), "faulty"))) {
                ByteBuffer data = ByteBuffer.allocate(4096);

                assertFails(NbdError.EIO, () -> client.read(0, data.clear()));
                assertFails(NbdError.ENOSPC, () -> client.write(0, data.clear(), Durability.CACHED));
                assertFails(NbdError.EIO, client::flush);

                client.write(0, data.clear(), Durability.DURABLE);
                client.read(0, data.clear());
            }
        }
    }
}
