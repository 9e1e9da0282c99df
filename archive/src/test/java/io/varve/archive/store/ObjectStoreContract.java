package io.varve.archive.store;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.archive.store.StoreException.Category;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

/** What every store must do; each implementation's test runs it on an empty store. */
interface ObjectStoreContract {
    int LIMIT_BYTES = 1 << 20;

    /** A store over an empty root, the same for all calls within one test. */
    ObjectStore store();

    @Test
    default void shouldGiveBackWhatWasPut() throws Exception {
        byte[] bytes = random(100_000, 1);

        store().put(key("a/b.x"), ByteBuffer.wrap(bytes));

        assertArrayEquals(bytes, store().get(key("a/b.x"), LIMIT_BYTES).orElseThrow());
        assertEquals(100_000, store().head(key("a/b.x")).orElseThrow().lengthBytes());
    }

    @Test
    default void shouldPutOnlyTheBytesBetweenPositionAndLimit() throws Exception {
        ByteBuffer middle = ByteBuffer.wrap(text("0123456789")).position(3).limit(6);
        ByteBuffer direct = ByteBuffer.allocateDirect(4).put(text("abcd")).flip();

        store().put(key("middle"), middle);
        store().put(key("direct"), direct);

        assertArrayEquals(text("345"), store().get(key("middle"), LIMIT_BYTES).orElseThrow());
        assertArrayEquals(text("abcd"), store().get(key("direct"), LIMIT_BYTES).orElseThrow());
        assertEquals(3, middle.position());
    }

    @Test
    default void shouldReplaceByPut() throws Exception {
        store().put(key("a"), ByteBuffer.wrap(text("long, and old")));

        store().put(key("a"), ByteBuffer.wrap(text("new")));

        assertArrayEquals(text("new"), store().get(key("a"), LIMIT_BYTES).orElseThrow());
    }

    @Test
    default void shouldGiveEmptyForWhatIsNotThere() throws Exception {
        assertEquals(Optional.empty(), store().get(key("none/at/all"), LIMIT_BYTES));
        assertEquals(Optional.empty(), store().head(key("none/at/all")));
        assertEquals(List.of(), store().list("none/at/", Optional.empty()).objects());
    }

    @Test
    default void shouldKeepAnEmptyObject() throws Exception {
        store().put(key("empty"), ByteBuffer.allocate(0));

        assertEquals(0, store().get(key("empty"), LIMIT_BYTES).orElseThrow().length);
    }

    @Test
    default void shouldRefuseToGetMoreThanTheLimit() throws Exception {
        store().put(key("large"), ByteBuffer.wrap(random(101, 2)));

        StoreException e = assertThrows(StoreException.class, () -> store().get(key("large"), 100));

        assertEquals(Category.TOO_LARGE, e.category());
        assertTrue(e.getMessage().contains("large"), e.getMessage());
    }

    @Test
    default void shouldReadRanges() throws Exception {
        byte[] bytes = random(300_000, 3);
        store().put(key("ranges"), ByteBuffer.wrap(bytes));
        ByteBuffer target = ByteBuffer.allocate(200_010).position(10);

        store().read(key("ranges"), 99_999, target);

        assertEquals(200_010, target.position());
        assertArrayEquals(Arrays.copyOfRange(bytes, 99_999, 299_999), Arrays.copyOfRange(target.array(), 10, 200_010));
    }

    @Test
    default void shouldSayThatAnObjectIsMissingOrTooShort() throws Exception {
        store().put(key("short"), ByteBuffer.wrap(random(100, 4)));
        ByteBuffer target = ByteBuffer.allocate(50);

        StoreException missing = assertThrows(StoreException.class, () -> store().read(key("missing"), 0, target));
        StoreException tooShort = assertThrows(StoreException.class, () -> store().read(key("short"), 51, target));
        StoreException outside = assertThrows(StoreException.class, () -> store().read(key("short"), 100, target));

        assertEquals(Category.MISSING, missing.category());
        assertEquals(Category.MISSING, tooShort.category());
        assertEquals(Category.MISSING, outside.category());
        assertEquals(0, target.position());
    }

    @Test
    default void shouldCreateOnceOnly() throws Exception {
        assertInstanceOf(PutResult.Created.class, store().putIfAbsent(key("x/once"), ByteBuffer.wrap(text("first"))));
        assertInstanceOf(PutResult.Exists.class, store().putIfAbsent(key("x/once"), ByteBuffer.wrap(text("second"))));

        assertArrayEquals(text("first"), store().get(key("x/once"), LIMIT_BYTES).orElseThrow());
    }

    @Test
    default void shouldLetExactlyOneOfManyRacersCreate() throws Exception {
        List<Callable<PutResult>> racers = new ArrayList<>();
        for (int i = 0; i < 16; i++) {
            ByteBuffer mine = ByteBuffer.wrap(text("racer " + i));
            racers.add(() -> store().putIfAbsent(key("race"), mine));
        }

        List<PutResult> results = atOnce(racers);

        List<Integer> winners = new ArrayList<>();
        for (int i = 0; i < results.size(); i++) {
            if (results.get(i) instanceof PutResult.Created) {
                winners.add(i);
            }
        }
        assertEquals(1, winners.size());
        assertArrayEquals(
                text("racer " + winners.getFirst()),
                store().get(key("race"), LIMIT_BYTES).orElseThrow());
    }

    @Test
    default void shouldListByPrefixInOrder() throws Exception {
        for (String name : List.of("d/2.json", "d/10.json", "d/1.sums", "d-x/1", "e", "d/sub/1")) {
            store().put(key(name), ByteBuffer.wrap(text(name)));
        }

        ObjectPage page = store().list("d/", Optional.empty());
        ObjectPage partOfName = store().list("d/1", Optional.empty());
        ObjectPage rest = store().list("d/", Optional.of(key("d/10.json")));
        ObjectPage all = store().list("", Optional.empty());

        assertEquals(List.of("d/1.sums", "d/10.json", "d/2.json", "d/sub/1"), names(page));
        assertEquals(List.of("d/1.sums", "d/10.json"), names(partOfName));
        assertEquals(List.of("d/2.json", "d/sub/1"), names(rest));
        assertEquals(List.of("d-x/1", "d/1.sums", "d/10.json", "d/2.json", "d/sub/1", "e"), names(all));
        assertEquals(8, page.objects().getFirst().lengthBytes());
        assertEquals(Optional.empty(), page.next());
    }

    @Test
    default void shouldListInPages() throws Exception {
        int count = 1005;
        List<Callable<Void>> puts = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            ObjectKey key = key("many/" + (10_000 + i));
            puts.add(() -> {
                store().put(key, ByteBuffer.wrap(text("x")));
                return null;
            });
        }
        atOnce(puts);

        ObjectPage first = store().list("many/", Optional.empty());
        ObjectPage second = store().list("many/", first.next());

        assertEquals(count, first.objects().size() + second.objects().size());
        assertEquals("many/11004", names(second).getLast());
        assertEquals(Optional.empty(), second.next());
    }

    @Test
    default void shouldJoinPartsThatComeInAnyOrder() throws Exception {
        byte[] bytes = random(2 * MultipartUpload.MIN_PART_BYTES + 1000, 5);
        int cut = MultipartUpload.MIN_PART_BYTES;
        MultipartUpload upload = store().begin(key("parts"));

        StoredPart third = upload.uploadPart(3, ByteBuffer.wrap(bytes).position(2 * cut));
        upload.uploadPart(1, ByteBuffer.wrap(bytes).limit(cut));
        upload.uploadPart(2, ByteBuffer.wrap(bytes).position(cut).limit(2 * cut));
        Optional<ObjectSummary> before = store().head(key("parts"));
        StoredParts parts = upload.complete();

        assertEquals(Optional.empty(), before);
        assertEquals(bytes.length, parts.lengthBytes());
        assertEquals(Sha256.of(Arrays.copyOfRange(bytes, 2 * cut, bytes.length)), third.sha256());
        assertEquals(third, parts.parts().get(2));
        assertArrayEquals(bytes, store().get(key("parts"), bytes.length).orElseThrow());
    }

    @Test
    default void shouldTakePartsAtTheSameTime() throws Exception {
        byte[] bytes = random(4 * MultipartUpload.MIN_PART_BYTES + 1, 6);
        MultipartUpload upload = store().begin(key("together"));
        List<Callable<StoredPart>> parts = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            int number = 5 - i;
            int from = (number - 1) * MultipartUpload.MIN_PART_BYTES;
            int to = Math.min(bytes.length, from + MultipartUpload.MIN_PART_BYTES);
            parts.add(() -> upload.uploadPart(number, ByteBuffer.wrap(bytes, from, to - from)));
        }

        atOnce(parts);
        upload.complete();

        assertArrayEquals(bytes, store().get(key("together"), bytes.length).orElseThrow());
    }

    @Test
    default void shouldRefuseToCompleteWithAHole() throws Exception {
        MultipartUpload upload = store().begin(key("hole"));
        upload.uploadPart(1, ByteBuffer.allocate(MultipartUpload.MIN_PART_BYTES));
        upload.uploadPart(3, ByteBuffer.allocate(10));

        assertThrows(IllegalStateException.class, upload::complete);

        upload.abort();
    }

    @Test
    default void shouldRefuseAPartTwiceAndAShortOneInTheMiddle() throws Exception {
        MultipartUpload upload = store().begin(key("short-parts"));
        upload.uploadPart(1, ByteBuffer.allocate(10));
        upload.uploadPart(2, ByteBuffer.allocate(10));

        assertThrows(IllegalStateException.class, () -> upload.uploadPart(2, ByteBuffer.allocate(10)));
        assertThrows(IllegalArgumentException.class, () -> upload.uploadPart(0, ByteBuffer.allocate(10)));
        assertThrows(IllegalStateException.class, upload::complete);

        upload.abort();
    }

    @Test
    default void shouldShowNothingOfAnAbortedUpload() throws Exception {
        MultipartUpload upload = store().begin(key("aborted"));
        upload.uploadPart(2, ByteBuffer.allocate(10));
        upload.uploadPart(1, ByteBuffer.allocate(MultipartUpload.MIN_PART_BYTES));

        upload.abort();
        upload.abort();

        assertEquals(Optional.empty(), store().head(key("aborted")));
        assertEquals(List.of(), store().list("", Optional.empty()).objects());
    }

    /** Runs all on threads of their own; gives their results in order. */
    static <T> List<T> atOnce(List<Callable<T>> tasks) throws Exception {
        try (var threads = Executors.newFixedThreadPool(16)) {
            List<T> results = new ArrayList<>();
            for (Future<T> future : threads.invokeAll(tasks)) {
                results.add(future.get());
            }
            return results;
        }
    }

    private static ObjectKey key(String value) {
        return new ObjectKey(value);
    }

    private static List<String> names(ObjectPage page) {
        return page.objects().stream().map(object -> object.key().value()).toList();
    }

    static byte[] text(String value) {
        return value.getBytes(StandardCharsets.UTF_8);
    }

    static byte[] random(int lengthBytes, long seed) {
        byte[] bytes = new byte[lengthBytes];
        new SplittableRandom(seed).nextBytes(bytes);
        return bytes;
    }
}
