package io.varve.cli.feed;

import io.varve.core.id.DriveId;
import java.io.PrintStream;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import java.util.Set;
import java.util.function.Consumer;

/**
 * Prints entries, one line each.
 *
 * @param json a JSON object a line, else columns
 * @param drives those that are wanted, all when empty
 */
public record FeedPrinter(PrintStream out, boolean json, Set<DriveId> drives) implements Consumer<FeedEntry> {

    private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss.SSS'Z'", Locale.ROOT)
            .withZone(ZoneOffset.UTC);

    public FeedPrinter {
        drives = Set.copyOf(drives);
    }

    @Override
    public void accept(FeedEntry entry) {
        if (drives.isEmpty() || drives.contains(entry.record().drive())) {
            out.println(json ? EventJson.of(entry) : columns(entry));
            out.flush();
        }
    }

    private static String columns(FeedEntry entry) {
        var event = entry.record().event();
        var generation = EventText.generation(event);
        return String.format(
                Locale.ROOT,
                "%s  %-10s  %5s  %-24s  %s",
                TIME.format(entry.time()),
                entry.record().drive(),
                generation.isPresent() ? "g" + generation.getAsLong() : "",
                event.getClass().getSimpleName(),
                EventText.details(event));
    }
}
