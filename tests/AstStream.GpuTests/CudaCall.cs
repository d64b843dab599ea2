namespace AstStream.GpuTests;

/// <summary>A call that the stand-ins wrote down.</summary>
/// <param name="Mark">'C' within a capture of its own thread, 'X' during another thread's, else '-'.</param>
/// <param name="Thread">The thread's number.</param>
/// <param name="Verb">What was called, in capitals: KERNEL, PRODUCT, COPY…</param>
/// <param name="Rest">What it was called with.</param>
public sealed record CudaCall(char Mark, int Thread, string Verb, string Rest)
{
    /// <summary>Whether it is work that a device does one after the other: a kernel or a product.</summary>
    public bool IsLaunch => Verb is "KERNEL" or "PRODUCT" or "CUDNN" or "TRANSPOSE";

    internal static CudaCall Parse(string line)
    {
        var parts = line.Split(' ', 4);
        return new CudaCall(line[0], int.Parse(parts[1], null), parts[2], parts.Length > 3 ? parts[3] : "");
    }

    public override string ToString() => $"{Mark} {Thread} {Verb} {Rest}";
}
