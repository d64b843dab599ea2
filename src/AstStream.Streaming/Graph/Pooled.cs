namespace AstStream.Streaming.Graph;

/// <summary>An object that is pooled. Whoever holds it owns it and passes it on or returns it, once.</summary>
public abstract class Pooled
{
    /// <summary>Gives the object back; the holder must not touch it afterwards.</summary>
    public abstract void Return();
}
