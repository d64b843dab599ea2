namespace AstStream.Station.Clips;

/// <summary>Takes the sound of clips as it comes. Nothing here waits.</summary>
internal interface IClipFiles
{
    /// <summary>A clip begins; false where it can't be had, which is counted.</summary>
    bool TryBegin(OpenClip clip);

    /// <summary>More of its sound; the samples are the files' afterwards.</summary>
    void Append(OpenClip clip, short[] samples);

    /// <summary>It is whole; nothing of it changes afterwards.</summary>
    void Finish(OpenClip clip);

    /// <summary>An event has no clip.</summary>
    void Skip(ClipSkip why);
}
