package io.varve.cli.feed;

import io.varve.core.event.LogRecord;
import java.time.Instant;

/** A record of the log, where it stands there, and when the agent sent it. */
public record FeedEntry(LogRecord record, Instant time, int partition, long offset) {}
