namespace AstStream.Station.Targets;

/// <summary>What goes with a notification; what there is none of is null.</summary>
/// <param name="Picture">A spectrogram of the event's clip, as PNG.</param>
/// <param name="Sound">The file of the event's clip.</param>
internal sealed record NoticeFiles(byte[]? Picture, string? Sound)
{
    public static NoticeFiles None { get; } = new(null, null);

    /// <summary>Whether there is anything.</summary>
    public bool HasAny => Picture is not null || Sound is not null;

    /// <summary>Names, media types and contents; the picture first. A file that went is left out.</summary>
    public async Task<IReadOnlyList<(string Name, string MediaType, byte[] Content)>> ReadAsync(CancellationToken cancellation)
    {
        var files = new List<(string, string, byte[])>();
        if (Picture is not null)
            files.Add(("spectrogram.png", "image/png", Picture));
        try
        {
            if (Sound is not null)
                files.Add((Path.GetFileName(Sound), Sound.EndsWith(".flac", StringComparison.Ordinal) ? "audio/flac" : "audio/wav",
                    await File.ReadAllBytesAsync(Sound, cancellation).ConfigureAwait(false)));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The clip was removed meanwhile; the notification is as true without it.
        }

        return files;
    }
}
