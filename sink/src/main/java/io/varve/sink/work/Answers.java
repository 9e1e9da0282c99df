package io.varve.sink.work;

import io.varve.core.commit.Outcome;
import io.varve.schemas.CatalogEntry;
import java.util.List;

/** What's to be told when a task is done; telling it twice does no harm. */
public record Answers(List<Outcome> outcomes, List<CatalogEntry> entries) {
    public Answers {
        outcomes = List.copyOf(outcomes);
        entries = List.copyOf(entries);
    }

    static Answers of(Outcome outcome) {
        return new Answers(List.of(outcome), List.of());
    }
}
