package io.varve.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.NoSuchFileException;
import java.util.concurrent.ExecutionException;
import org.junit.jupiter.api.Test;

class SentenceTest {

    @Test
    void shouldNameAMissingFile() {
        assertEquals("There is no file a.img.", Sentence.of(new NoSuchFileException("a.img")));
    }

    @Test
    void shouldUnwrapWhatOthersWrapped() {
        var cause = new VerbFailedException("The bucket is full.");

        assertEquals("The bucket is full.", Sentence.of(new ExecutionException(cause)));
        assertEquals("No space.", Sentence.of(new UncheckedIOException(new IOException("No space"))));
    }

    @Test
    void shouldAdmitABug() {
        var sentence = Sentence.of(new NullPointerException("drive"));

        assertTrue(sentence.startsWith("This is a bug of Varve (java.lang.NullPointerException: drive)"), sentence);
    }
}
