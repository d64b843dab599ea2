namespace AstStream.Model.Checkpoints;

/// <summary>A pickle that is broken, or asks for more than a state dict needs. The message has no file name.</summary>
internal sealed class PickleException(string message) : Exception(message)
{
    /// <summary>What is wrong at a byte of a pickle.</summary>
    public static PickleException At(int at, string what) => new($"the pickle, at byte {at}: {what}");
}
