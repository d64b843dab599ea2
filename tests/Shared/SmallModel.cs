namespace AstStream.Tests.Shared;

/// <summary>Copies of the small reference model.</summary>
internal static class SmallModel
{
    /// <summary>Makes one; returns its folder. Those with other numbers have other weights.</summary>
    /// <param name="parent">Where its folder is made.</param>
    /// <param name="name">The folder's name.</param>
    /// <param name="number">0 for the very weights.</param>
    public static string Make(string parent, string name, byte number)
    {
        var folder = Directory.CreateDirectory(Path.Combine(parent, name)).FullName;
        var reference = Path.Combine(AppContext.BaseDirectory, "reference/ast-small-16x16-t256");
        foreach (var file in (string[])["config.json", "preprocessor_config.json", "model.safetensors"])
            File.Copy(Path.Combine(reference, file), Path.Combine(folder, file), overwrite: true);
        var weights = File.ReadAllBytes(Path.Combine(folder, "model.safetensors"));
        weights[^2] ^= number; // the lower bits of a weight
        File.WriteAllBytes(Path.Combine(folder, "model.safetensors"), weights);
        return folder;
    }
}
