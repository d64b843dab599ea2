namespace AstStream.Connectors.Files;

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
