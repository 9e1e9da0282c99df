package io.varve.cli;

import java.io.UncheckedIOException;
import java.net.BindException;
import java.net.ConnectException;
import java.net.UnknownHostException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.util.Objects;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import picocli.CommandLine.ParameterException;

/** Says in one sentence what an exception means to the user. */
final class Sentence {

    private Sentence() {}

    static String of(Throwable failure) {
        return ended(
                switch (failure) {
                    case ExecutionException e when e.getCause() != null -> of(e.getCause());
                    case CompletionException e when e.getCause() != null -> of(e.getCause());
                    case UncheckedIOException e -> of(Objects.requireNonNull(e.getCause()));
                    case VerbFailedException e -> message(e);
                    case ParameterException e -> misuse(e);
                    case NoSuchFileException e -> "There is no file " + e.getFile();
                    case AccessDeniedException e -> "No permission for the file " + e.getFile();
                    case FileAlreadyExistsException e -> "The file " + e.getFile() + " exists already";
                    case FileSystemException e -> "The file " + e.getFile() + " fails: " + e.getReason();
                    case BindException e -> "The address to listen on can't be used: " + message(e);
                    case ConnectException e -> "Nobody answers at the address: " + message(e);
                    case UnknownHostException e -> "There is no host " + message(e);
                    case InterruptedException e -> "Interrupted";
                    case RuntimeException e when e.getMessage() == null -> bug(e);
                    case NullPointerException e -> bug(e);
                    case ClassCastException e -> bug(e);
                    case IndexOutOfBoundsException e -> bug(e);
                    default -> message(failure);
                });
    }

    private static String message(Throwable failure) {
        var message = failure.getMessage();
        return message == null || message.isBlank() ? failure.getClass().getSimpleName() : message.strip();
    }

    /** The parser begins some of its sentences with a word that isn't part of them. */
    private static String misuse(ParameterException misuse) {
        var message = message(misuse);
        return message.startsWith("Error: ") ? message.substring("Error: ".length()) : message;
    }

    private static String bug(RuntimeException failure) {
        return "This is a bug of Varve (" + failure + "), please report it with the output of --debug";
    }

    private static String ended(String sentence) {
        return sentence.endsWith(".") || sentence.endsWith("?") ? sentence : sentence + ".";
    }
}
