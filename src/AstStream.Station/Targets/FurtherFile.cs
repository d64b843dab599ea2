namespace AstStream.Station.Targets;

/// <summary>Files after the first one of a notification, which has arrived with that: a refusal of these changes nothing.</summary>
internal static class FurtherFile
{
    /// <summary>Sends a file.</summary>
    /// <param name="isFurther">Whether it is not the first.</param>
    /// <param name="send">Sends it.</param>
    /// <exception cref="TargetException">It did not arrive, and is not a further one that was refused.</exception>
    public static async Task SendAsync(bool isFurther, Func<Task> send)
    {
        try
        {
            await send().ConfigureAwait(false);
        }
        catch (TargetException e) when (isFurther && e.IsRefused)
        {
            // Too large, or of no use to it.
        }
    }
}
