package io.varve.capture.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.formats.nbd.NbdError;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

class FaultBackendTest {
    @TempDir
    private Path folder;

    private FaultBackend backend(FaultRule... rules) throws IOException {
        Path image = folder.resolve("drive.raw");
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            file.setLength(1 << 20);
        }
        return new FaultBackend(RawFileBackend.open(image, BackendAccess.READ_WRITE), FaultRules.of(List.of(rules)));
    }

    private static FaultRule inject(FaultEvent event, int errno, boolean once, boolean immediately) {
        return new FaultRule.InjectError(event, 0, errno, OptionalLong.empty(), once, immediately);
    }

    private static void assertFails(NbdError error, String reason, Executable request) {
        RequestFailedException e = assertThrows(RequestFailedException.class, request);
        assertEquals(error, e.error());
        assertTrue(e.toString().contains(reason), e.toString());
    }

    @Test
    void shouldFailWritesAndLeaveTheImageAsItWas() throws IOException {
        try (FaultBackend backend = backend(inject(FaultEvent.WRITE_AIO, 28, false, false))) {
            ByteBuffer data = ByteBuffer.allocate(512).put(0, (byte) 1);

            assertFails(
                    NbdError.ENOSPC,
                    "error 28 was injected at write_aio of 512 bytes at 4096",
                    () -> backend.write(4096, data));
            assertFails(NbdError.ENOSPC, "write_aio", () -> backend.trim(0, 512));
            assertFails(NbdError.ENOSPC, "write_aio", () -> backend.zero(0, 512, ZeroMode.MAY_PUNCH));

            ByteBuffer read = ByteBuffer.allocate(512);
            backend.read(4096, read);
            assertEquals(ByteBuffer.allocate(512), read.flip());
            backend.flush();
        }
    }

    @Test
    void shouldFailOneReadAndGoOn() throws IOException {
        try (FaultBackend backend = backend(inject(FaultEvent.READ_AIO, 5, true, true))) {
            assertFails(NbdError.EIO, "read_aio", () -> backend.read(0, ByteBuffer.allocate(512)));

            backend.read(0, ByteBuffer.allocate(512));
            assertTrue(backend.rules().rules().isEmpty());
        }
    }

    @Test
    void shouldTellAnErrnoThatNbdHasNotAsEio() throws IOException {
        try (FaultBackend backend = backend(inject(FaultEvent.FLUSH_TO_DISK, 110, false, true))) {
            assertFails(NbdError.EIO, "error 110 was injected at flush_to_disk", backend::flush);
        }
    }
}
