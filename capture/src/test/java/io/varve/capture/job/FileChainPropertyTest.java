package io.varve.capture.job;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.capture.backend.Backend;
import io.varve.capture.backend.BackendAccess;
import io.varve.capture.backend.RawFileBackend;
import io.varve.capture.nbd.Export;
import io.varve.capture.node.NodeGraph;
import io.varve.capture.tracking.AgentFixture;
import io.varve.capture.tracking.GuestWriter;
import io.varve.core.Seeds;
import io.varve.core.Tool;
import io.varve.core.drive.BackupTarget;
import io.varve.core.drive.Completion;
import io.varve.core.job.JobError;
import io.varve.core.job.JobEvent;
import io.varve.core.job.JobRequest;
import io.varve.core.transaction.Action;
import io.varve.core.transaction.SyncMode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Writers never stop while grouped jobs back two drives up to qcow2 files, some of them cancelled and taken again. Each
 * pair of images, read by qemu-img, must be a legal state of both drives at their cut.
 */
class FileChainPropertyTest {
    private static final long SIZE_BYTES = 3 << 20;
    private static final int WRITERS = 3;
    private static final int CUTS = 5;
    private static final List<String> DRIVES = List.of("disk0", "disk1");

    @TempDir
    Path directory;

    @Test
    void shouldWriteALegalStateOfBothDrivesAtEveryCutWhileWritersRun() {
        Seeds.forEach(2, random -> {
            try {
                run(random, Files.createDirectories(directory.resolve("run-" + random.nextLong())));
            } catch (Exception e) {
                throw new AssertionError(e);
            }
        });
    }

    private static void run(SplittableRandom random, Path folder) throws Exception {
        try (AgentFixture fixture = AgentFixture.open(folder)) {
            List<Export> exports = new ArrayList<>();
            NodeGraph graph = new NodeGraph(fixture.agent());
            for (String drive : DRIVES) {
                Path image = fixture.image(drive);
                AgentFixture.makeImage(image, SIZE_BYTES);
                Backend backend = RawFileBackend.open(image, BackendAccess.READ_WRITE);
                exports.add(
                        graph.adopt(drive, image, backend).node().orElseThrow().io());
            }
            List<GuestWriter> writers = new ArrayList<>();
            List<Thread> threads = new ArrayList<>();
            for (int lane = 0; lane < WRITERS; lane++) {
                GuestWriter writer = new GuestWriter(exports, lane, WRITERS, random.split());
                writers.add(writer);
                threads.add(Thread.ofPlatform().start(writer));
            }
            try (Jobs jobs = new Jobs(fixture.agent(), graph, InstantSource.system())) {
                new Chains(jobs, folder, writers).run(random);
            } finally {
                writers.forEach(GuestWriter::stop);
                for (Thread thread : threads) {
                    thread.join();
                }
            }
            writers.forEach(GuestWriter::check);
        }
    }

    private static final class Chains {
        private final Jobs jobs;
        private final Path folder;
        private final List<GuestWriter> writers;
        private final BlockingQueue<JobEvent> ends = new LinkedBlockingQueue<>();

        Chains(Jobs jobs, Path folder, List<GuestWriter> writers) {
            this.jobs = jobs;
            this.folder = folder;
            this.writers = writers;
            jobs.listen(news -> {
                if (news instanceof JobNews.Told(JobInfo _, JobEvent event) && isEnd(event)) {
                    ends.add(event);
                }
            });
        }

        private static boolean isEnd(JobEvent event) {
            return event instanceof JobEvent.Completed || event instanceof JobEvent.Cancelled;
        }

        void run(SplittableRandom random) throws Exception {
            for (int cut = 0; cut < CUTS; cut++) {
                if (cut > 0 && random.nextInt(2) == 0) {
                    // I3: what a cancelled job would have copied is in the next one, under the same name.
                    transact(cut);
                    JobsReply _ = jobs.ask(
                            new JobName.OfBlockJob(DRIVES.get(random.nextInt(2))), new JobRequest.Cancel(false));
                    if (await() == DRIVES.size()) {
                        // It was too late.
                        check(cut - 1, List.of(), List.of());
                        continue;
                    }
                }
                backUp(cut);
            }
        }

        private void backUp(int cut) throws Exception {
            awaitProgress();
            List<Integer> floors =
                    writers.stream().map(w -> w.history().acknowledged()).toList();
            transact(cut);
            List<Integer> ceilings =
                    writers.stream().map(w -> w.history().begun()).toList();
            assertEquals(DRIVES.size(), await(), "both jobs succeed");
            check(cut, floors, ceilings);
        }

        private void check(int cut, List<Integer> floors, List<Integer> ceilings) throws Exception {
            List<byte[]> images = new ArrayList<>();
            for (String drive : DRIVES) {
                Path raw = folder.resolve("restored.raw");
                Tool.run("qemu-img", "check", "-f", "qcow2", image(drive, cut).toString())
                        .success();
                Tool.run(
                                "qemu-img",
                                "convert",
                                "-f",
                                "qcow2",
                                "-O",
                                "raw",
                                image(drive, cut).toString(),
                                raw.toString())
                        .success();
                images.add(Files.readAllBytes(raw));
            }
            for (int index = 0; index < floors.size(); index++) {
                writers.get(index).history().checkLegal(images, floors.get(index), ceilings.get(index));
            }
        }

        private void transact(int cut) throws Exception {
            List<JobAction> actions = new ArrayList<>();
            for (String drive : DRIVES) {
                if (cut == 0) {
                    actions.add(new JobAction.Plain(AgentFixture.add(drive, "b")));
                }
                JobAction.Mode mode = cut == 0 ? JobAction.Mode.ABSOLUTE_PATHS : JobAction.Mode.EXISTING;
                if (cut > 0 && !Files.exists(image(drive, cut))) {
                    prepare(drive, cut);
                }
                actions.add(new JobAction.Backup(
                        new Action.Backup(
                                drive,
                                cut == 0 ? SyncMode.FULL : SyncMode.INCREMENTAL,
                                cut == 0 ? Optional.empty() : Optional.of("b"),
                                Optional.empty(),
                                BackupTarget.FILE),
                        Optional.empty(),
                        new JobAction.Target.File(image(drive, cut).toString(), Optional.of("qcow2"), mode)));
            }
            Completion completion = cut == 0 ? Completion.INDIVIDUAL : Completion.GROUPED;
            assertInstanceOf(JobsAnswer.Done.class, jobs.transact(actions, completion));
        }

        private void prepare(String drive, int cut) throws Exception {
            Tool.run(
                            "qemu-img",
                            "create",
                            "-f",
                            "qcow2",
                            image(drive, cut).toString(),
                            "-b",
                            image(drive, cut - 1).toString(),
                            "-F",
                            "qcow2")
                    .success();
        }

        /** How many of both jobs succeeded. */
        private int await() throws InterruptedException {
            int succeeded = 0;
            for (int job = 0; job < DRIVES.size(); job++) {
                JobEvent end = Optional.ofNullable(ends.poll(60, TimeUnit.SECONDS))
                        .orElseThrow(() -> new AssertionError("a job doesn't end"));
                succeeded += end instanceof JobEvent.Completed(Optional<JobError> error) && error.isEmpty() ? 1 : 0;
            }
            assertTrue(succeeded != 1, "one of a group succeeded");
            return succeeded;
        }

        private Path image(String drive, int cut) {
            return folder.resolve(drive + "." + cut + ".qcow2");
        }

        /** Returns when each writer has had some more writes acknowledged. */
        private void awaitProgress() {
            for (GuestWriter writer : writers) {
                int goal = writer.history().acknowledged() + 20;
                while (writer.history().acknowledged() < goal) {
                    writer.check();
                    Thread.onSpinWait();
                }
            }
        }
    }
}
