package io.varve.capture.tracking;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.capture.nbd.Export;
import io.varve.core.bits.Extent;
import io.varve.core.cut.Hold;
import io.varve.core.drive.Completion;
import io.varve.core.id.DriveId;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GroupHoldTest {
    private static final DriveId FIRST = new DriveId("disk0");
    private static final DriveId SECOND = new DriveId("disk1");
    private static final int SLOTS = 64;

    private final Gate first = new Gate(SLOTS, System::nanoTime);
    private final Gate second = new Gate(SLOTS, System::nanoTime);
    private final SortedMap<DriveId, Gate> gates = new TreeMap<>(Map.of(FIRST, first, SECOND, second));

    @TempDir
    Path directory;

    @Test
    void shouldLetNobodyPassAnyGateWhileTheCutsAreTaken() throws InterruptedException { // I5
        AtomicBoolean passed = new AtomicBoolean();
        AtomicBoolean passedWithin = new AtomicBoolean();
        List<Thread> guests = new ArrayList<>();

        Hold hold = new GroupHold(gates, System::nanoTime).run(() -> {
            for (Gate gate : gates.values()) {
                guests.add(Thread.ofPlatform().start(() -> {
                    int slot = gate.enter();
                    passed.set(true);
                    gate.left(slot);
                }));
            }
            for (Thread guest : guests) {
                while (guest.getState() != Thread.State.WAITING && guest.isAlive()) {
                    Thread.onSpinWait();
                }
            }
            passedWithin.set(passed.get());
        });

        assertInstanceOf(Hold.Done.class, hold);
        assertFalse(passedWithin.get(), "a guest passed a gate between the cuts");
        for (Thread guest : guests) {
            guest.join();
        }
        assertTrue(passed.get());
    }

    @Test
    void shouldGiveUpAfterTheLimitAndLetTheGuestsGoOn() { // I9
        int slot = second.enter();
        AtomicBoolean cut = new AtomicBoolean();

        Hold hold = new GroupHold(gates, System::nanoTime).run(() -> cut.set(true));

        assertInstanceOf(Hold.GivenUp.class, hold);
        assertFalse(cut.get());
        first.left(first.enter());
        second.left(second.enter());
        second.left(slot);
    }

    @Test
    void shouldLetTheGuestsGoOnPastABug() { // I9
        assertThrows(
                IllegalStateException.class,
                () -> new GroupHold(gates, System::nanoTime).run(() -> {
                    throw new IllegalStateException("a bug");
                }));

        first.left(first.enter());
        second.left(second.enter());
    }

    @Test
    void shouldRefuseWithNothingChangedWhenTheCallerIsInterrupted() throws IOException { // I3
        try (AgentFixture fixture = AgentFixture.open(directory)) {
            Export export = fixture.attach("disk0", 1 << 20);
            fixture.transact(Completion.INDIVIDUAL, AgentFixture.add("disk0", "a"));
            AgentFixture.write(export, 0, new byte[512]);
            var before = fixture.state("disk0");

            Thread.currentThread().interrupt();
            Transacted refused = fixture.agent()
                    .transact(
                            List.of(AgentFixture.add("disk0", "b")),
                            Completion.INDIVIDUAL,
                            fixture.agent().newSyncPointId());
            assertTrue(Thread.interrupted());

            assertInstanceOf(Transacted.Refused.class, refused);
            assertEquals(before, fixture.state("disk0"));
            assertEquals(
                    List.of(new Extent(0, 65_536)),
                    fixture.content("disk0", "a").extents());
        }
    }

    /** Writes a number to the first drive, and only after its acknowledgement to the second: a hidden channel. */
    @Test
    void shouldNeverTearASyncPointOfAGuestThatWritesOneDriveAfterTheOther() throws IOException { // I5
        try (AgentFixture fixture = AgentFixture.open(directory)) {
            Export left = fixture.attach("disk0", 1 << 20);
            Export right = fixture.attach("disk1", 1 << 20);
            AtomicBoolean stopped = new AtomicBoolean();
            AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
            CountDownLatch started = new CountDownLatch(1);
            Thread guest = Thread.ofPlatform().start(() -> {
                try {
                    for (int number = 1; !stopped.get(); number++) {
                        AgentFixture.write(left, 0, sector(number));
                        AgentFixture.write(right, 0, sector(number));
                        started.countDown();
                    }
                } catch (RuntimeException | Error e) {
                    failure.set(e);
                    started.countDown();
                }
            });
            try {
                started.await();
                for (int cut = 0; cut < 40; cut++) {
                    checkCut(fixture);
                }
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            } finally {
                stopped.set(true);
                join(guest);
            }
            assertNull(failure.get());
        }
    }

    private static void checkCut(AgentFixture fixture) throws IOException {
        List<StartedBackup> backups =
                fixture.transact(Completion.GROUPED, AgentFixture.full("disk0"), AgentFixture.full("disk1"));
        int left = number(backups.get(0));
        int right = number(backups.get(1));
        for (int index = 0; index < backups.size(); index++) {
            fixture.agent()
                    .conclude(
                            index == 0 ? FIRST : SECOND,
                            backups.get(index).mark().key(),
                            new io.varve.core.drive.Conclusion.Written());
        }
        assertTrue(left == right || left == right + 1, "disk0 holds " + left + ", disk1 holds " + right);
    }

    private static int number(StartedBackup backup) {
        ByteBuffer into = ByteBuffer.allocate(512);
        assertInstanceOf(
                io.varve.capture.snapshot.SnapshotRead.Done.class,
                backup.snapshot().read(0, into));
        return into.getInt(0);
    }

    private static byte[] sector(int number) {
        return ByteBuffer.allocate(512).putInt(0, number).array();
    }

    private static void join(Thread thread) {
        try {
            thread.join();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
