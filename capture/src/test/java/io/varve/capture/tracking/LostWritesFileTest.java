package io.varve.capture.tracking;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.core.bits.Extent;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LostWritesFileTest {
    @TempDir
    private Path directory;

    @Test
    void shouldComeBackFromTheFileAsTheyWere() throws IOException {
        List<Extent> writes = List.of(new Extent(0, 1), new Extent(1L << 50, 1L << 30));
        LostWritesFile file = LostWritesFile.of(directory, List.of());

        file.keep(() -> writes);

        assertEquals(writes, LostWritesFile.read(directory));
        assertEquals(writes, file.kept());
        file.end();
        file.keep(() -> List.of(new Extent(5, 5)));
        assertEquals(List.of(), LostWritesFile.read(directory));
    }

    @Test
    void shouldLeaveTheFileToTheNextRunOnceItsOwnIsOver() throws IOException {
        LostWritesFile over = LostWritesFile.of(directory, List.of());
        over.close();
        List<Extent> writes = List.of(new Extent(4096, 512));
        var _ = LostWritesFile.of(directory, writes);

        over.keep(() -> {
            throw new AssertionError("its table may be gone");
        });

        assertEquals(writes, LostWritesFile.read(directory));
    }

    @Test
    void shouldRefuseAFileThatWasChanged() throws IOException {
        var _ = LostWritesFile.of(directory, List.of(new Extent(4096, 512)));
        Path file = directory.resolve(LostWritesFile.NAME);
        byte[] whole = Files.readAllBytes(file);
        for (int at = 0; at < whole.length; at++) {
            byte[] changed = whole.clone();
            changed[at] ^= 1;
            Files.write(file, changed);
            IOException refusal = assertThrows(IOException.class, () -> LostWritesFile.read(directory));
            assertTrue(String.valueOf(refusal.getMessage()).contains(file.toString()), refusal::toString);
        }
        Files.write(file, Arrays.copyOf(whole, whole.length - 1));
        assertThrows(IOException.class, () -> LostWritesFile.read(directory));
    }
}
