package io.varve.archive;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** Reads many small objects, a few at a time. */
final class ParallelReads {
    private static final int AT_ONCE = 16;

    private ParallelReads() {}

    /** Reads one. */
    @FunctionalInterface
    interface Reader<T, R> {
        R read(T item) throws IOException;
    }

    /** The results in the items' order; the first failure ends it. */
    static <T, R> List<R> map(List<T> items, Reader<T, R> reader) throws IOException {
        if (items.isEmpty()) {
            return List.of();
        }
        int threads = Math.min(AT_ONCE, items.size());
        try (ExecutorService executor =
                Executors.newFixedThreadPool(threads, Thread.ofVirtual().factory())) {
            List<Callable<R>> calls = new ArrayList<>();
            items.forEach(item -> calls.add(() -> reader.read(item)));
            List<R> results = new ArrayList<>();
            for (Future<R> future : executor.invokeAll(calls)) {
                results.add(future.get());
            }
            return results;
        } catch (ExecutionException e) {
            if (e.getCause() instanceof IOException failure) {
                throw failure;
            }
            throw new IllegalStateException("reading the archive failed", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            InterruptedIOException interrupted = new InterruptedIOException("interrupted while reading the archive");
            interrupted.initCause(e);
            throw interrupted;
        }
    }
}
