package io.varve.capture.hmp;

import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.Consumer;

/**
 * Runs qemu-io's commands. Those that begin with {@code aio_} aren't waited for, since a breakpoint may suspend them;
 * {@code aio_flush} waits for all.
 *
 * <p>Safe for any thread.
 */
final class IoQueue {
    private final Queue<CompletableFuture<Void>> pending = new ConcurrentLinkedQueue<>();
    private final Consumer<String> console;

    IoQueue(Consumer<String> console) {
        this.console = console;
    }

    void run(IoRun run, String line) {
        IoCommand command = IoCommand.parse(line);
        if (line.startsWith("aio_write") || line.startsWith("aio_read")) {
            pending.removeIf(CompletableFuture::isDone);
            pending.add(CompletableFuture.runAsync(
                    () -> console.accept(run.run(command)),
                    task -> Thread.ofPlatform().daemon().name("qemu-io").start(task)));
            return;
        }
        if (line.startsWith("aio_flush")) {
            pending.forEach(CompletableFuture::join);
        }
        console.accept(run.run(command));
    }
}
