using System.Globalization;
using AstStream.Streaming.Pipelines;

namespace AstStream.Connectors;

/// <summary>The key that picks a channel or mixes all down.</summary>
internal static class Channels
{
    public static readonly Key<string?> Key = Keys.Text("channel", "mix (the default): the mean of all channels; or the number of one, from 0.");

    /// <summary>The channel, null to mix down.</summary>
    public static int? Read(SectionReader section)
    {
        var text = section.Get(Key);
        if (text is null or "mix")
            return null;
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var channel))
            return channel;
        section.Problem(Key, $"found '{text}'; expected mix or a channel number from 0");
        return null;
    }
}

/// <summary>Holds a reader back to the speed of time; what it waits for is counted from its start, so that it does not drift.</summary>
internal sealed class Pacer(TimeProvider time, int sampleRate)
{
    private readonly long _start = time.GetTimestamp();

    /// <summary>Waits until a number of samples would have been heard; false when asked to stop.</summary>
    public async Task<bool> WaitUntilAsync(long samples, CancellationToken stop)
    {
        var wait = TimeSpan.FromSeconds(samples / (double)sampleRate) - time.GetElapsedTime(_start);
        try
        {
            if (wait > TimeSpan.Zero)
                await Task.Delay(wait, time, stop).ConfigureAwait(false);
            return !stop.IsCancellationRequested;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }
}
