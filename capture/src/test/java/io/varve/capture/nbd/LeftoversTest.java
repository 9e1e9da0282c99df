package io.varve.capture.nbd;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.capture.backend.ZeroMode;
import io.varve.capture.nbd.RawClient.Style;
import io.varve.formats.nbd.NbdAddress;
import io.varve.formats.nbd.StatusExtent;
import io.varve.formats.nbd.TransmissionFlag;
import io.varve.transfer.nbd.TlsCredentials;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Clients that come and leave, each in another way, leave nothing: no thread, no direct buffer and no descriptor. */
@Timeout(120)
class LeftoversTest {
    private static final int CLIENTS = 1000;
    private static final int MIB = 1 << 20;
    private static final int READ = 0;
    private static final int WRITE = 1;
    private static final int DISC = 2;
    private static final int LATE_READS = 4;

    /** How a client leaves. */
    private enum Leave {
        DISCONNECTING,
        IDLE,
        IN_THE_GREETING,
        IN_AN_OPTION,
        IN_A_REQUEST,
        IN_A_PAYLOAD,
        WITH_REPLIES_UNREAD,
        WITH_READS_UNANSWERED,
        WITH_A_WRITE_UNANSWERED,
        IN_THE_CLEAR_WHERE_TLS_IS_DEMANDED,
        IN_THE_TLS_HANDSHAKE
    }

    /** Its first MiB is in memory; reads elsewhere, and writes, wait until the test lets them go. */
    private static final class HoldingExport implements Export {
        final Semaphore begun = new Semaphore(0);
        final Semaphore allowed = new Semaphore(0);
        final BlockingQueue<Completion> writes = new LinkedBlockingQueue<>();

        @Override
        public long sizeBytes() {
            return 64L * MIB;
        }

        @Override
        public Set<TransmissionFlag> flags() {
            return TransmissionFlag.WRITABLE;
        }

        @Override
        public List<String> metaContexts() {
            return List.of(StatusExtent.BASE_ALLOCATION);
        }

        @Override
        public boolean readAtOnce(long offsetBytes, ByteBuffer into) {
            boolean warm = offsetBytes < MIB;
            if (warm) {
                fill(into);
            }
            return warm;
        }

        @Override
        public void read(long offsetBytes, ByteBuffer into) {
            if (offsetBytes >= MIB) {
                begun.release();
                allowed.acquireUninterruptibly();
            }
            fill(into);
        }

        private static void fill(ByteBuffer into) {
            while (into.hasRemaining()) {
                into.put((byte) 7);
            }
        }

        @Override
        public void write(long offsetBytes, ByteBuffer data, Completion completion) {
            writes.add(completion);
        }

        @Override
        public void writeZeroes(long offsetBytes, long lengthBytes, ZeroMode mode, Completion completion) {
            completion.done();
        }

        @Override
        public void trim(long offsetBytes, long lengthBytes, Completion completion) {
            completion.done();
        }

        @Override
        public void flush(Completion completion) {
            completion.done();
        }

        @Override
        public List<StatusExtent> blockStatus(String context, long offsetBytes, long lengthBytes, int extentsMax) {
            return List.of(new StatusExtent(lengthBytes, 0));
        }
    }

    /** What the process holds. */
    private record Holdings(long threads, long directBuffers, long descriptors) {
        static Holdings now() {
            return new Holdings(
                    Thread.getAllStackTraces().keySet().stream()
                            .filter(thread -> thread.getName().startsWith("nbd-"))
                            .count(),
                    ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class).stream()
                            .filter(pool -> pool.getName().equals("direct"))
                            .mapToLong(BufferPoolMXBean::getCount)
                            .sum(),
                    openDescriptors());
        }

        private static long openDescriptors() {
            try (Stream<Path> open = Files.list(Path.of("/proc/self/fd"))) {
                return open.count();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        boolean isWithin(Holdings most) {
            return threads <= most.threads && directBuffers <= most.directBuffers && descriptors <= most.descriptors;
        }
    }

    @TempDir
    private Path folder;

    private final HoldingExport export = new HoldingExport();
    private final ExportRegistry exports = new ExportRegistry();
    private final NbdServer server = new NbdServer(exports, NbdServerOptions.DEFAULT);

    @AfterEach
    void stop() throws InterruptedException {
        export.allowed.release(Integer.MAX_VALUE / 2);
        server.close();
        RawClient.assertNoThreadIsLeft();
    }

    @Test
    void shouldLeaveNothingOfAThousandClients() throws Exception {
        exports.add(ServedImage.NAME, export);
        List<NbdAddress> plain = List.of(
                server.listen(
                        new NbdAddress.Unix(folder.resolve("leftovers.sock").toString())),
                server.listen(new NbdAddress.Tcp("127.0.0.1", 0)));
        Certificates certificates = new Certificates(folder.resolve("certificates"));
        try (NbdServer encrypting =
                new NbdServer(exports, NbdServerOptions.DEFAULT.withTls(TlsCredentials.server(certificates.folder)))) {
            NbdAddress encrypted = encrypting.listen(new NbdAddress.Tcp("127.0.0.1", 0));
            // Both kinds of sockets, and all that's loaded and kept once.
            comeAndLeave(plain.getFirst(), encrypted);
            comeAndLeave(plain.getLast(), encrypted);
            Holdings before = settled();

            int clients = 0;
            for (int batch = 0; clients < CLIENTS; batch++) {
                clients += comeAndLeave(plain.get(batch % 2), encrypted);
            }

            await(() -> collected().isWithin(before), () -> "before: " + before + ", after: " + Holdings.now());
        }
    }

    /** What is held when the collector has found all that it will. */
    private static Holdings settled() throws InterruptedException {
        Holdings last = collected();
        for (int same = 0; same < 3; ) {
            Holdings next = collected();
            same = next.equals(last) ? same + 1 : 0;
            last = next;
            Thread.sleep(20);
        }
        return last;
    }

    private static Holdings collected() {
        // Direct buffers are given back when the collector finds them.
        System.gc();
        return Holdings.now();
    }

    private static void await(BooleanSupplier condition, Supplier<String> state) throws InterruptedException {
        long deadlineNanos = System.nanoTime() + 20_000_000_000L;
        while (!condition.getAsBoolean()) {
            assertTrue(System.nanoTime() < deadlineNanos, state);
            Thread.sleep(20);
        }
    }

    /** One client of each kind, all present at once; returns how many when the server has noticed that they're gone. */
    private int comeAndLeave(NbdAddress plain, NbdAddress encrypted) throws Exception {
        List<RawClient> present = new ArrayList<>();
        for (Leave leave : Leave.values()) {
            present.add(come(leave, plain, encrypted));
        }
        export.begun.acquire(LATE_READS);
        Completion held = export.writes.take();
        for (RawClient client : present) {
            client.close();
        }
        export.allowed.release(LATE_READS);
        held.done();
        RawClient.assertNoThreadIsLeft();
        return present.size();
    }

    private static RawClient come(Leave leave, NbdAddress plain, NbdAddress encrypted) throws IOException {
        return switch (leave) {
            case IN_THE_GREETING -> greeted(plain, "0000");
            case IN_AN_OPTION -> greeted(plain, RawClient.FLAGS + RawClient.MAGIC + "0000000700000010" + "00000006");
            case IN_THE_CLEAR_WHERE_TLS_IS_DEMANDED ->
                greeted(encrypted, RawClient.FLAGS + RawClient.MAGIC + "0000000700000000");
            case IN_THE_TLS_HANDSHAKE -> {
                RawClient client = greeted(encrypted, RawClient.FLAGS);
                client.option(5, "");
                client.send("1603010200");
                yield client;
            }
            case DISCONNECTING,
                    IDLE,
                    IN_A_REQUEST,
                    IN_A_PAYLOAD,
                    WITH_REPLIES_UNREAD,
                    WITH_READS_UNANSWERED,
                    WITH_A_WRITE_UNANSWERED -> entered(leave, RawClient.enter(plain, Style.STRUCTURED));
        };
    }

    private static RawClient greeted(NbdAddress address, String sent) throws IOException {
        RawClient client = RawClient.connect(address);
        client.send(sent);
        return client;
    }

    private static RawClient entered(Leave leave, RawClient client) throws IOException {
        switch (leave) {
            case DISCONNECTING -> client.request(0, DISC, 0, 0);
            case IN_A_REQUEST -> client.send("25609513" + "0000" + "0001" + "00000000");
            case IN_A_PAYLOAD -> client.request(0, WRITE, 0, 64 * 1024, new byte[100]);
            case WITH_REPLIES_UNREAD -> client.request(0, READ, 0, MIB);
            case WITH_READS_UNANSWERED -> {
                StringBuilder reads = new StringBuilder();
                for (int i = 1; i <= LATE_READS; i++) {
                    reads.append("25609513" + "0000" + "0000").append("%016x%016x".formatted(i, (long) i * MIB));
                    reads.append("00001000");
                }
                // Sent as one, so that none is alone and each gets a reader.
                client.send(reads.toString());
            }
            case WITH_A_WRITE_UNANSWERED -> client.request(0, WRITE, 0, 512, new byte[512]);
            case IDLE, IN_THE_GREETING, IN_AN_OPTION, IN_THE_CLEAR_WHERE_TLS_IS_DEMANDED, IN_THE_TLS_HANDSHAKE -> {}
        }
        return client;
    }
}
