/** What is known of one drive: its generations, its dirty bitmaps, its undecided backups. */
@NullMarked
package io.varve.core.drive;

import org.jspecify.annotations.NullMarked;
