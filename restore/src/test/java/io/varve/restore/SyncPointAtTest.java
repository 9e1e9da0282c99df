package io.varve.restore;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.archive.Backups;
import io.varve.archive.Decisions;
import io.varve.archive.store.FileStore;
import io.varve.archive.store.ObjectStore;
import io.varve.archive.store.WhenMissing;
import io.varve.core.commit.Verdict;
import io.varve.core.drive.Completion;
import io.varve.core.id.DriveId;
import java.io.IOException;
import java.nio.file.Path;
import java.time.ZoneOffset;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SyncPointAtTest {
    @TempDir
    Path folder;

    private ObjectStore store;
    private Backups backups;

    @BeforeEach
    void open() throws Exception {
        store = FileStore.open(folder, WhenMissing.REFUSE);
        backups = new Backups(store, 5);
        // Made half a second after 02:00:00, 02:00:01 and, never committed, 02:00:02.
        Backups.Stored first = backups.full("d", Backups.membership("first", Completion.GROUPED, "d"), 1);
        commit(first);
        Backups.Stored second = backups.incremental(first, Backups.membership("second", Completion.GROUPED, "d"), 2);
        commit(second);
        backups.incremental(second, Backups.membership("third", Completion.GROUPED, "d"), 3);
    }

    private void commit(Backups.Stored stored) throws IOException {
        var manifests = new TreeMap<>(Map.of(new DriveId("d"), stored.ref()));
        new Decisions(store).decide(stored.manifest().unit(), new Verdict.Committed(manifests));
    }

    /** As the list shows the times: without what's below a second. */
    @Test
    void shouldFindTheLatestThatIsWholeAndNotYounger() throws Exception {
        assertEquals("first", at("2026-11-24T02:00:00Z"));
        assertEquals("second", at("2026-11-24T02:00:01Z"));
        assertEquals("second", at("2026-11-25T00:00"));
    }

    @Test
    void shouldSayThatNoneIsThatOldOrThatItIsNoTime() {
        assertTrue(refusal("2026-11-24T01:59:59Z").contains("no whole sync point"));
        assertTrue(refusal("yesterday").contains("isn't a time"));
    }

    private String at(String time) throws IOException {
        return new SyncPointAt(store).find(time, ZoneOffset.UTC);
    }

    private String refusal(String time) {
        return String.valueOf(
                assertThrows(RestoreFailedException.class, () -> at(time)).getMessage());
    }
}
