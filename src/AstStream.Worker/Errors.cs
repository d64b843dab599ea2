namespace AstStream.Worker;

/// <summary>Errors on standard error, one block each.</summary>
internal static class Errors
{
    /// <summary>Writes "error: " and the message; a message of several lines is several errors.</summary>
    public static void Write(string message)
    {
        foreach (var line in message.Split('\n'))
            Console.Error.WriteLine($"error: {line}");
    }
}
