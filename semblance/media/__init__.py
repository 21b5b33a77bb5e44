"""The only room that opens files: video, audio, pictures. Streams, never a whole clip in memory."""
